"""Files with secret keys: made whole, once, for their owner's eyes only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def create(path: Path, content: bytes) -> None:
    """Writes a key to a file of its own (mode 0600), then gives it the name, unless another process was faster.

    Raises:
        OSError: The folder cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes new names in a folder durable.

    Raises:
        OSError: The folder cannot be read.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
