"""The torch modules that layer types are built of."""
