"""What ``gto`` would find in a clone: its settings at the default branch's tip, and annotations at any commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from modelkeep.domain.gto_state import CommitFacts
from modelkeep.domain.objects import Commit
from modelkeep.git.commit_files import CommitFile, files_at, read_file
from modelkeep.services.gto_files import (
    CONFIG_FILE,
    Annotations,
    GtoConfig,
    GtoFault,
    read_gto_annotations,
    read_gto_config,
)
from modelkeep.services.memo import Memo
from modelkeep.services.yaml_tree import MAX_BYTES

T = TypeVar("T")

_REMEMBERED = 32 << 20


@dataclass(frozen=True, slots=True)
class _Read(Generic[T]):
    """What was read from a file, and its size in bytes."""

    value: T
    size: int


_ANNOTATIONS: Memo[tuple[str, str], _Read[Annotations | GtoFault]] = Memo(
    _REMEMBERED, lambda read: 1000 + read.size
)


def config_at(git_dir: Path, commit: str, quarantine: Path | None = None) -> GtoConfig | GtoFault:
    """What ``.gto`` says at a commit; GTO's own choices where there is none."""
    for found in files_at(git_dir, [commit], CONFIG_FILE, quarantine):
        content = _content(git_dir, found, quarantine)
        if isinstance(content, bytes):
            return read_gto_config(content)
        return content or GtoConfig()
    return GtoConfig()


def annotations_at(
    git_dir: Path, commits: Iterable[str], index: str, quarantine: Path | None = None
) -> Iterator[tuple[Commit, Annotations | GtoFault]]:
    """What the annotations file ``index`` says at each of these commits that is there."""
    for found in files_at(git_dir, commits, index, quarantine):
        if found.blob is None:
            yield found.commit, {}
        else:
            yield found.commit, _annotations(git_dir, found, found.blob, quarantine)


def facts_at(git_dir: Path, commits: Iterable[str], index: str) -> dict[str, CommitFacts]:
    """The facts of commits, by id; where ``gto`` would stop at the annotations there are none."""
    return {
        commit.id: CommitFacts(commit, {} if isinstance(said, GtoFault) else said)
        for commit, said in annotations_at(git_dir, commits, index)
    }


def _annotations(
    git_dir: Path, found: CommitFile, blob: str, quarantine: Path | None
) -> Annotations | GtoFault:
    def read() -> _Read[Annotations | GtoFault]:
        content = _content(git_dir, found, quarantine)
        if isinstance(content, bytes):
            return _Read(read_gto_annotations(content), len(content))
        return _Read(content or {}, 0)

    key = (str(git_dir), f"{blob} {found.is_file}")
    return _ANNOTATIONS.get(key, read, lambda kept: kept.size > 0).value


def _content(git_dir: Path, found: CommitFile, quarantine: Path | None) -> bytes | GtoFault | None:
    if found.blob is None:
        return None
    if not found.is_file:
        return GtoFault("it is no ordinary file")
    content = read_file(git_dir, found.blob, MAX_BYTES, quarantine)
    return content if content is not None else GtoFault(f"it is larger than {MAX_BYTES} bytes, or damaged")
