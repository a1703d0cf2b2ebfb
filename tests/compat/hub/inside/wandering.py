"""What no client of a hub should do: go elsewhere."""

import socket
import urllib.error
import urllib.request


def go_elsewhere() -> list[str]:
    """Asks another host by way of the proxy, and looks one up past it; how each ended."""
    ends = []
    try:
        urllib.request.urlopen("http://models.invalid/x", timeout=5)
    except urllib.error.HTTPError as error:
        ends.append(str(error.code))
    try:
        socket.getaddrinfo("models.invalid", 443)
    except OSError:
        ends.append("unknown")
    return ends
