"""Resource-constrained neural architecture search with PyTorch Lightning, after RENA (2018)."""

__version__ = "0.1.0"
