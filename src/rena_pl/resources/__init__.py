"""What an architecture costs to run."""

from rena_pl.resources.profile import ENTRIES, LayerProfile, Profile, layer_profiles, profile
from rena_pl.resources.resources import NetworkResources, Resources

__all__ = [
    "ENTRIES",
    "LayerProfile",
    "NetworkResources",
    "Profile",
    "Resources",
    "layer_profiles",
    "profile",
]
