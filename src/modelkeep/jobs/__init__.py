"""Floor 3: work that must be done although nobody waits for it. Handlers call services, like any other edge."""
