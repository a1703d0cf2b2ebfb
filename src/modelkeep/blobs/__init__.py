"""Content-addressed bytes: what is stored is named by its SHA-256 and never changes."""
