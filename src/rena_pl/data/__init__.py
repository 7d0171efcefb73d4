"""Tasks: the LightningDataModules with the children's data."""
