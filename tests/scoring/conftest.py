"""Property tests of this room are not timed one example at a time: a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("scoring", deadline=None)
settings.load_profile("scoring")
