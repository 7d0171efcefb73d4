"""The policy: what it reads of a network, what it decides, and how it learns."""
