"""The policy, its training, and the controller that runs a search."""
