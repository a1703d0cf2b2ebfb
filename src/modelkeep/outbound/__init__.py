"""Floor 1: what the hub asks of other machines, and the guard in front of it."""
