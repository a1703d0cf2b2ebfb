"""Floor 1: passwords, the secrets of tokens, and signed URLs. Nothing is stored here but the signing key."""
