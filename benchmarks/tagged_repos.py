"""Repos with many registry tags, made by ``git fast-import``: the same ones in every run."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

_WHO = b"Bench <bench@example.com> %d +0000\n"
_START = 1_700_000_000
STAGES = ("dev", "prod")


def registry(tags: int, artifacts: int) -> bytes:
    """A history of registry tags in turn over some artifacts: a version at a commit of its own, then a stage for it.

    Args:
        tags: How many, of both kinds together.
        artifacts: ``model-000`` and so on; version ``v0.N.0`` is an artifact's Nth.
    """
    return b"".join(_history(tags, artifacts))


def one_tag_each(tags: int, *, artifacts: int) -> bytes:
    """So many versions of some artifacts, on one commit each."""
    parts = []
    for number in range(tags):
        mark, when = number + 1, _WHO % (_START + number)
        parts.append(_commit(mark, when))
        parts.append(_tag(f"model-{number % artifacts:03}@v0.{number // artifacts}.0", mark, when))
    return b"".join(parts)


def _history(tags: int, artifacts: int) -> Iterator[bytes]:
    random = Random(1)
    for number in range(0, tags, 2):
        mark, when = number // 2 + 1, _WHO % (_START + number * 60)
        artifact, minor = f"model-{mark % artifacts:03}", mark // artifacts
        yield _commit(mark, when)
        yield _tag(f"{artifact}@v0.{minor}.0", mark, when)
        if number + 1 < tags:
            yield _tag(f"{artifact}#{random.choice(STAGES)}#{mark}", mark, _WHO % (_START + number * 60 + 30))


def _commit(mark: int, when: bytes) -> bytes:
    return b"commit refs/heads/main\nmark :%d\ncommitter " % mark + when + b"data 1\nx\n"


def _tag(name: str, mark: int, when: bytes) -> bytes:
    return f"tag {name}\nfrom :{mark}\ntagger ".encode() + when + b"data 10\nRegistered\n"
