"""The network of one architecture as a LightningModule, and the fast loop that trains it."""
