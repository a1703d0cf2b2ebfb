"""Floor 4: the composition root. Settings become stores, stores become services, services are mounted as one app."""
