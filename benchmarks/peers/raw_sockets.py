"""A floor for uploads: a thread for each connection, plain sockets, sha256, disk, and nothing else.

    python -m benchmarks.peers.raw_sockets PORT FOLDER

It does with a body what the hub does: hashes while it arrives, writes it under a temporary name, compares the digest
with the name in the URL, brings it to the disk, and renames it.
"""

from __future__ import annotations

import hashlib
import os
import socket
import socketserver
import sys
from pathlib import Path

_BUFFER = 1024 * 1024


class Upload(socketserver.BaseRequestHandler):
    """One PUT /OID."""

    folder = Path()

    def handle(self) -> None:
        connection: socket.socket = self.request
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(65536)
        head, _, body = received.partition(b"\r\n\r\n")
        request, *fields = head.decode("latin-1").split("\r\n")
        oid = request.split()[1].lstrip("/")
        size = next(
            int(field.split(":")[1]) for field in fields if field.lower().startswith("content-length")
        )
        is_right = self._store(connection, body, size, oid)
        connection.sendall(b"HTTP/1.1 %d -\r\nContent-Length: 0\r\n\r\n" % (200 if is_right else 400))

    def _store(self, connection: socket.socket, body: bytes, size: int, oid: str) -> bool:
        temporary = self.folder / f"{oid}.part"
        digest = hashlib.sha256(body)
        buffer = memoryview(bytearray(_BUFFER))
        with temporary.open("wb", buffering=0) as file:
            file.write(body)
            left = size - len(body)
            while left > 0:
                count = connection.recv_into(buffer, min(left, _BUFFER))
                if not count:
                    return False
                digest.update(buffer[:count])
                file.write(buffer[:count])
                left -= count
            os.fsync(file.fileno())
        if digest.hexdigest() != oid:
            return False
        temporary.rename(self.folder / oid)
        return True


class FloorServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


if __name__ == "__main__":
    Upload.folder = Path(sys.argv[2])
    with FloorServer(("127.0.0.1", int(sys.argv[1])), Upload) as server:
        server.serve_forever()
