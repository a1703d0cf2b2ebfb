"""The room of Git's smart HTTP protocol (gitprotocol-http(5)), versions 0, 1 and 2."""
