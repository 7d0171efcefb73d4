"""How far a search is, and how that is shown."""
