"""Measures the hub against peers and floors, each ratio in one run. Start with ``make bench``."""
