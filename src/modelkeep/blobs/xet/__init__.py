"""The Xet protocol's stored forms: chunks packed into xorbs, and files as recipes of their terms."""
