"""The data folder belongs to one server at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelkeep.domain.errors import Unavailable

_FILE = "serve.lock"


@contextmanager
def occupied(data: Path) -> Iterator[None]:
    """Keeps other servers out of a data folder: at its start one removes what it takes for a dead one's uploads.

    The kernel gives the folder back when the process ends, however it ends.

    Raises:
        Unavailable: Another server has it, or it cannot be written.
    """
    try:
        descriptor = os.open(data / _FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(
            f"The data folder {data} cannot be used: {error.strerror}.", code="data_folder"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(
                f"Another modelkeep serve uses the data folder {data}; stop it, or choose another folder.",
                code="data_folder",
            ) from None
        yield
    finally:
        os.close(descriptor)
