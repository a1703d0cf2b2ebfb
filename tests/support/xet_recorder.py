"""A store that takes what a client of the Xet protocol sends, checked by our own parts; in a process of its own.

Usage: ``python xet_recorder.py FOLDER FILE…`` uploads the files with ``hf_xet`` one after another, each with a fresh
cache, and writes what was sent as a line of JSON for each file. ``FOLDER`` gets the blobs and the shards.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from modelkeep.blobs.store import BlobStore
from modelkeep.blobs.xet.dedup_shard import build_dedup_shard
from modelkeep.blobs.xet.hashes import parse_hash, to_bytes
from modelkeep.blobs.xet.recipes import Recipe
from modelkeep.blobs.xet.shard_format import parse_shard
from modelkeep.blobs.xet.xorb_index import XorbIndex

KEY = hashlib.sha256(b"a key").digest()
SECONDS = 1_000_000_000


class Recorder(ThreadingHTTPServer):
    """Answers on a port of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.blobs = BlobStore.open(folder / "blobs")
        self.sent: list[tuple[str, int]] = []
        self.asked: list[bool] = []

    def take_xorb(self, name: str, data: bytes) -> bytes:
        """Keeps a xorb."""
        writer = self.blobs.xorbs.begin(parse_hash(name))
        for at in range(0, len(data), 100_000):
            writer.write(data[at : at + 100_000])
        index, is_new = writer.commit()
        self.sent.append((index.hash, len(data)))
        return json.dumps({"was_inserted": is_new}).encode()

    def take_shard(self, data: bytes) -> bytes:
        """Keeps the recipes of a shard."""
        (self.folder / f"{len(list(self.folder.glob('*.shard')))}.shard").write_bytes(data)
        for file in parse_shard(data).files:
            terms = tuple(file.terms)
            self.blobs.recipes.put(Recipe(file.sha256 or "", file.size, file.file_hash, terms))
        return b'{"result":1}'

    def describe_chunk(self, chunk: str) -> bytes | None:
        """A shard about every xorb that has a chunk."""
        raw = to_bytes(parse_hash(chunk))
        indexes = [self.blobs.xorbs.index(name) for name in self.blobs.xorbs.iter_hashes()]
        found: list[XorbIndex] = [index for index in indexes if index is not None and raw in index.hashes]
        self.asked.append(bool(found))
        return build_dedup_shard(found, KEY, SECONDS, 4 * SECONDS) if found else None


class Handler(BaseHTTPRequestHandler):
    """The calls that an upload makes."""

    protocol_version = "HTTP/1.1"
    server: Recorder

    def answer(self) -> None:
        """Answers any request."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        kind, _, rest = self.path.removeprefix("/v1/").partition("/")
        answer: bytes | None = None
        if kind == "xorbs":
            answer = self.server.take_xorb(rest.partition("/")[2], body)
        elif kind == "shards":
            answer = self.server.take_shard(body)
        elif kind == "chunks":
            answer = self.server.describe_chunk(rest.partition("/")[2])
        self.send_response(404 if answer is None else 200)
        self.send_header("Content-Length", str(len(answer or b"")))
        self.end_headers()
        self.wfile.write(answer or b"")

    do_GET = do_POST = do_PUT = do_HEAD = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def main() -> None:
    """Uploads the files."""
    folder = Path(sys.argv[1])
    recorder = Recorder(folder)
    threading.Thread(target=recorder.serve_forever, daemon=True).start()
    for number, name in enumerate(sys.argv[2:]):
        recorder.sent, recorder.asked = [], []
        # A client keeps what it knows of a store for its whole life: each upload is a process of its own.
        subprocess.run(
            [sys.executable, "-c", _UPLOAD, f"http://127.0.0.1:{recorder.server_port}", name],
            env=os.environ | {"HF_HOME": str(folder / f"home-{number}")},
            check=True,
        )
        sys.stdout.write(json.dumps({"sent": recorder.sent, "asked": recorder.asked}) + "\n")


_UPLOAD = """
import sys, hf_xet
session = hf_xet.XetSession()
with session.new_upload_commit(endpoint=sys.argv[1], token="t", token_expiry_unix_secs=4_000_000_000) as commit:
    commit.start_upload_file(sys.argv[2])
"""

if __name__ == "__main__":
    main()
