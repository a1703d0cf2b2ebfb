"""Plumbing that every protocol shares: bodies, ranges, credentials, limits. No business words."""
