"""What an architecture costs to run."""

from rena_pl.resources.profile import ENTRIES, LayerProfile, Profile, layer_profiles, profile

__all__ = ["ENTRIES", "LayerProfile", "Profile", "layer_profiles", "profile"]
