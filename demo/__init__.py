"""A demonstration: a hub, and people who use it with real clients. Start it with ``make demo``."""
