"""Sends files to a Xet store with the protocol's own client, in a process of its own.

The client keeps threads and caches, and reads its settings from the environment: a process that ends takes all of that
with it. What it is told comes over its standard input, so that the token stands in no list of processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelkeep.domain.errors import Unavailable

_OUTPUT_LIMIT = 4000
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class XetStore:
    """Where to send to: the store's URL, a token for writing, and when that ends (seconds since 1970)."""

    url: str
    token: str
    expires_at: int


def send(
    store: XetStore,
    files: Sequence[tuple[Path, str]],
    cache: Path,
    seconds: float,
    stopping: threading.Event | None = None,
) -> None:
    """Sends files, each with its SHA-256, and waits until the store has registered them.

    Args:
        store: Where to.
        files: Paths with their oids.
        cache: A folder for what the client keeps.
        seconds: How long it may take.
        stopping: Set to end it at once.

    Raises:
        Unavailable: It did not work or was stopped; the error has a note with what the client said.
    """
    words = {
        "url": store.url,
        "token": store.token,
        "expires_at": store.expires_at,
        "files": [[str(path), oid] for path, oid in files],
    }
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(cache),
        "HF_HOME": str(cache),
        "HF_XET_CACHE": str(cache / "xet"),
        # All goes to the address given: the hub's public one may not be within its own reach.
        "HF_XET_CLIENT_LEGACY_DIRECT_XORB_UPLOAD": "true",
        "HF_XET_TELEMETRY_ENABLED": "false",
    }
    status, said = _run(json.dumps(words).encode(), environment, cache, time.monotonic() + seconds, stopping)
    if status is None:
        raise _failed(
            "it was stopped" if stopping and stopping.is_set() else f"it took longer than {seconds:.0f} s"
        )
    if status:
        raise _failed(said.decode(errors="replace")[-_OUTPUT_LIMIT:].strip() or f"exit {status}")


def _run(
    words: bytes, environment: dict[str, str], folder: Path, until: float, stopping: threading.Event | None
) -> tuple[int | None, bytes]:
    """The client's exit status and what it said; None as the status where it had to be ended."""
    command = [sys.executable, "-I", "-m", __name__]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=folder,
        )
    except OSError as error:
        raise _failed(str(error.strerror)) from error
    with process:
        unsent: bytes | None = words
        while time.monotonic() < until and not (stopping is not None and stopping.is_set()):
            try:
                said = process.communicate(unsent, timeout=_LOOK_SECONDS)[1]
            except subprocess.TimeoutExpired:
                unsent = None
            else:
                return process.returncode, said
        process.kill()
    return None, b""


def _failed(reason: str) -> Unavailable:
    error = Unavailable("The files could not be sent to the hub's own Xet store.", code="rechunk_failed")
    error.add_note(reason)
    return error


def _main() -> None:
    import hf_xet  # heavy, and of use only here

    words = json.load(sys.stdin)
    session = hf_xet.XetSession()
    for path, oid in words["files"]:
        # One after another: files that are sent together do not find their common chunks.
        commit = session.new_upload_commit(
            endpoint=words["url"], token=words["token"], token_expiry_unix_secs=words["expires_at"]
        )
        commit.start_upload_file(path, sha256=oid)
        commit.wait_to_finish()


if __name__ == "__main__":
    _main()
