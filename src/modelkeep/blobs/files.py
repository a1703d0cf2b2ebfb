"""Durable writes on a POSIX file system, and its errors in the domain's words."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from modelkeep.domain.errors import Unavailable

WRITE_BACK_BYTES = 8 << 20
"""How often a writer asks the kernel to start writing back, so that little is left for fsync."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_VECTOR_LIMIT = 512


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turns the operating system's errors into :class:`Unavailable`, with no path in the message."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise Unavailable(
                "The hub's storage is full. Nothing was stored; try again once its operator has made room.",
                code="storage_full",
            ) from error
        name = errno.errorcode.get(error.errno or 0, "unknown")
        raise Unavailable(
            f"The hub's storage failed ({name}). Nothing was stored; try again later.", code="storage_failed"
        ) from error


def write_all(descriptor: int, chunks: Sequence[bytes], offset: int) -> int:
    """Writes every byte of ``chunks`` at ``offset`` and returns the offset behind the last one."""
    pending = [memoryview(chunk) for chunk in chunks if chunk]
    while pending:
        written = os.pwritev(descriptor, pending[:_VECTOR_LIMIT], offset)
        offset += written
        done = 0
        while done < len(pending) and written >= len(pending[done]):
            written -= len(pending[done])
            done += 1
        del pending[:done]
        if written:
            pending[0] = pending[0][written:]
    return offset


def start_write_back(descriptor: int, start: int, stop: int) -> None:
    """Asks the kernel to begin writing a finished range to the disk, without waiting for it.

    On Linux this advice starts write-back of dirty pages; elsewhere it is harmless.
    """
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, start, stop - start, os.POSIX_FADV_DONTNEED)


def sync_directory(path: Path) -> None:
    """Makes the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Creates a directory and its parents durably; does nothing where it exists."""
    if path.is_dir():
        return
    make_directory(path.parent)
    try:
        path.mkdir(mode=0o750)
    except FileExistsError:
        return
    sync_directory(path.parent)


def make_directories(parent: Path, names: Sequence[str]) -> None:
    """Creates those directories in ``parent`` that are missing, with one sync for all of them."""
    missing = set(names).difference(os.listdir(parent))
    for name in missing:
        (parent / name).mkdir(mode=0o750, exist_ok=True)
    if missing:
        sync_directory(parent)


def publish(source: Path, target: Path) -> None:
    """Moves a finished, synced file to its name, durably and in one step, replacing what is there."""
    make_directory(target.parent)
    source.replace(target)
    sync_directory(target.parent)


def delete_file(path: Path) -> bool:
    """Removes a file; False where there was none."""
    with storage_errors():
        try:
            path.unlink()
        except FileNotFoundError:
            return False
    return True


def names_in(root: Path, folders: Iterable[str], pattern: re.Pattern[str]) -> Iterator[str]:
    """The names of files that fit a pattern and lie in the folder that they begin with, in order."""
    for folder in folders:
        if not (root / folder).is_dir():
            continue
        for name in sorted(os.listdir(root / folder)):
            if pattern.fullmatch(name) and name.startswith(folder):
                yield name


def sweep_folder(folder: Path, older_than: float, is_live: Callable[[str], bool] = lambda name: False) -> int:
    """Removes files that are ``older_than`` seconds old and not live (by name); returns how many."""
    limit = time.time() - older_than
    removed = 0
    with storage_errors():
        for path in folder.iterdir():
            try:
                if not is_live(path.name) and path.stat().st_mtime <= limit:
                    path.unlink()
                    removed += 1
            except FileNotFoundError:
                continue
    return removed
