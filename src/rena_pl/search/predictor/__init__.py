"""The model of the reward: how alike architectures are, and what that says of new ones."""
