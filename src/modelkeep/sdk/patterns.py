"""Choosing files by ``include`` and ``exclude`` patterns."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase


def is_chosen(path: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Whether ``path`` matches an ``include`` pattern (none given: all) and no ``exclude`` pattern."""
    if include and not any(_matches(path, pattern) for pattern in include):
        return False
    return not any(_matches(path, pattern) for pattern in exclude)


def _matches(path: str, pattern: str) -> bool:
    """Whether a pattern matches, in shell style; ``*`` also matches ``/``.

    It is held against the whole path, against the file's name alone where the pattern has no slash, and
    against the folders that the file lies in where it ends with one.
    """
    if pattern.endswith("/"):
        return path.startswith(pattern) or fnmatchcase(path, pattern + "*")
    return fnmatchcase(path, pattern) or (
        "/" not in pattern and fnmatchcase(path.rpartition("/")[2], pattern)
    )
