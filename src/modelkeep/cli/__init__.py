"""The command line: client commands over the SDK, and the hub's own commands over its services."""
