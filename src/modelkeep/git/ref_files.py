"""Reads refs straight from the files (``packed-refs`` and loose), for when all of them are wanted.

This is what makes a digest of 10,000 repositories, or a list of 100,000 tags, cheap: no process, one file read.
Format: gitrepository-layout(5) and git-pack-refs(1).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from modelkeep.domain.errors import Unavailable

RawRefs = dict[bytes, tuple[bytes, bytes | None]]
"""Full name -> (target, what it peels to; None: unknown, b"": the target is no tag object), ids in hexadecimal."""

_PACKED = re.compile(rb"^([0-9a-f]{40}) (refs/[^\n]+)\n(?:\^([0-9a-f]{40})\n)?", re.MULTILINE)
_LOOSE = re.compile(rb"[0-9a-f]{40}(?=\s|$)")


def read_all(git_dir: Path, prefixes: Sequence[str]) -> RawRefs:
    """All refs under the ``prefixes`` (each ends with a slash).

    Loose refs are read first, then packed ones: a ref that is being packed meanwhile is in one or the other. Symbolic
    refs below ``refs/`` are left out (no door of Modelkeep makes any), and so are files that hold no id.

    Raises:
        Unavailable: There is no repository.
    """
    loose: dict[bytes, bytes] = {}
    root = os.fsencode(git_dir)
    for prefix in prefixes:
        loose.update(_walk(root, os.fsencode(prefix)))
    refs = _packed(root, tuple(os.fsencode(prefix) for prefix in prefixes))
    for name, target in loose.items():
        known = refs.get(name)
        if known is None or known[0] != target:
            refs[name] = (target, None)
    return refs


def _packed(root: bytes, prefixes: tuple[bytes, ...]) -> RawRefs:
    try:
        with open(root + b"/packed-refs", "rb") as file:
            content = file.read()
    except FileNotFoundError:
        if not os.path.isdir(root):
            raise Unavailable(
                "The Git data of this repo cannot be opened.", code="git_data_missing"
            ) from None
        return {}
    header = content[: content.find(b"\n")] if content.startswith(b"#") else b""
    absent = b"" if b" fully-peeled" in header else None
    return {
        match[2]: (match[1], match[3] or absent)
        for match in _PACKED.finditer(content)
        if match[2].startswith(prefixes)
    }


def _walk(root: bytes, directory: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Loose refs under ``directory`` (relative, with a slash at the end)."""
    try:
        with os.scandir(root + b"/" + directory) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return
    for name, is_directory in found:
        path = directory + name
        if is_directory:
            yield from _walk(root, path + b"/")
        elif not name.endswith(b".lock"):
            try:
                match = _LOOSE.match(_beginning(root + b"/" + path))
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                continue
            if match:
                yield path, match[0]


def _beginning(path: bytes) -> bytes:
    """The first 64 bytes of a file. Without a file object, which costs more than the reading."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 64)
    finally:
        os.close(descriptor)
