"""In every Python of a client: notes whom it looks up or connects to, unless that is this machine.

Reads ``CONNECTIONS``, the file for it. Requests of the parts written in Rust are seen by the proxy of `clients.py`.
"""

import os
import sys

_LOCAL = ("127.0.0.1", "localhost", "::1", "")


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else ""
    elif event == "socket.getaddrinfo":
        host = arguments[0] or ""
    else:
        return
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name not in _LOCAL:
        with open(os.environ["CONNECTIONS"], "a", encoding="utf-8") as file:
            file.write(f"{event} {name}\n")


if "CONNECTIONS" in os.environ:
    sys.addaudithook(_note)
