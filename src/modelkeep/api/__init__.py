"""The edges: a room per protocol, each turning requests into calls of services and values into answers."""
