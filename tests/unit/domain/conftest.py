"""Property tests of the domain: how long an example takes depends on the machine, so no example has a deadline."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
