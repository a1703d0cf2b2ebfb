"""Sends files to a Xet store with the protocol's own client, in a process of its own.

The client keeps threads and caches, and reads its settings from the environment: a process that ends takes all of that
with it. What it is told comes over its standard input, so that the token stands in no list of processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelkeep.domain.errors import Unavailable

_OUTPUT_LIMIT = 4000


@dataclass(frozen=True, slots=True)
class XetStore:
    """Where to send to: the store's URL, a token for writing, and when that ends (seconds since 1970)."""

    url: str
    token: str
    expires_at: int


def send(store: XetStore, files: Sequence[tuple[Path, str]], cache: Path, seconds: float) -> None:
    """Sends files, each with its SHA-256, and waits until the store has registered them.

    Args:
        store: Where to.
        files: Paths with their oids.
        cache: A folder for what the client keeps.
        seconds: How long it may take.

    Raises:
        Unavailable: It did not work; the error has a note with what the client said.
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
    }
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", __name__],
            input=json.dumps(words).encode(),
            capture_output=True,
            check=False,
            timeout=seconds,
            env=environment,
            cwd=cache,
        )
    except subprocess.TimeoutExpired:
        raise _failed(f"it took longer than {seconds:.0f} s") from None
    except OSError as error:
        raise _failed(str(error.strerror)) from error
    if done.returncode:
        raise _failed(
            done.stderr.decode(errors="replace")[-_OUTPUT_LIMIT:].strip() or f"exit {done.returncode}"
        )


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
