"""The socket that the server listens on."""

from __future__ import annotations

import errno
import socket

from modelkeep.domain.errors import Unavailable

_REASONS = {
    errno.EADDRINUSE: "another program uses this port; stop it or choose another port",
    errno.EACCES: "this user may not use this port; choose one from 1024 on",
    errno.EADDRNOTAVAIL: "this machine does not have this address",
}


def listen(host: str, port: int, backlog: int) -> socket.socket:
    """Listens on a TCP port for this process alone; ``port`` 0 takes a free one.

    Raises:
        Unavailable: The address cannot be used (``address_unusable``); the message says why.
    """
    if not 0 <= port <= 65535:
        raise _refusal(host, port, "a port is a number from 0 to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise _refusal(host, port, "the host's name cannot be resolved") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        raise _refusal(host, port, _REASONS.get(error.errno or 0, str(error))) from error
    return listener


def _refusal(host: str, port: int, reason: str) -> Unavailable:
    return Unavailable(f"The server cannot listen on {host}, port {port}: {reason}.", code="address_unusable")
