"""RENA and the other searchers: each is asked for architectures and told evaluations."""
