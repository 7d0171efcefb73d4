"""From an architecture to a network, and from a parent's weights to a child's."""

from rena_pl.network.build import Network, build
from rena_pl.network.morphism import morph

__all__ = ["Network", "build", "morph"]
