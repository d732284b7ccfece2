"""What holds for all unit tests."""

from hypothesis import settings

# How long one example takes depends on whatever else the machine does.
settings.register_profile("any load", deadline=None)
settings.load_profile("any load")
