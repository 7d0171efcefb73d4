"""What an architecture costs to run."""

from rena_pl.resources.profile import (
    ENTRIES,
    LayerProfile,
    Profile,
    alive_values,
    layer_profiles,
    profile,
)
from rena_pl.resources.resources import NetworkResources, Resources

__all__ = [
    "ENTRIES",
    "LayerProfile",
    "NetworkResources",
    "Profile",
    "Resources",
    "alive_values",
    "layer_profiles",
    "profile",
]
