"""Finds versions whose files are those of another: for one new version, or for thousands that are pushed at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from modelkeep.domain.errors import ModelkeepError
from modelkeep.git import trees
from modelkeep.services.policy_evidence import CommitEvidence


@dataclass(slots=True)
class _Place:
    """What is known of one path: how many of the versions were looked at, and who has which content there."""

    looked_at: int = 0
    names: dict[str, dict[str, str]] = field(default_factory=dict)


class SameContent:
    """The content of an artifact's versions. Each version is read once for every path that somebody asks about.

    Args:
        git_dir: The repository.
        quarantine: Where the objects of a push are that is not accepted yet.
        versions: Commit and name of those that are there, the oldest first.
    """

    def __init__(self, git_dir: Path, quarantine: Path | None, versions: Iterable[tuple[str, str]]) -> None:
        self._git_dir = git_dir
        self._quarantine = quarantine
        self._versions = list(versions)
        self._places: dict[str, _Place] = {}

    def add(self, commit: str, name: str) -> None:
        """Counts one more version among those that are there."""
        self._versions.append((commit, name))

    def version_like(self, artifact: str, commit: str) -> str | None:
        """The first version at another commit whose files at the artifact's path are those of ``commit``."""
        path = CommitEvidence(self._git_dir, commit, artifact, self._quarantine).path
        if path is None:
            return None
        for place in (path, f"{path}.dvc") if path else (path,):
            content = self._contents([commit], place).get(commit)
            if content is not None:
                names = self._names(place).get(content, {})
                return next((name for at, name in names.items() if at != commit), None)
        return None

    def _names(self, place: str) -> dict[str, dict[str, str]]:
        """By content: the commits that have it at ``place``, oldest first, with the names of their versions."""
        known = self._places.setdefault(place, _Place())
        new = self._versions[known.looked_at :]
        known.looked_at = len(self._versions)
        contents = self._contents([commit for commit, _ in new], place)
        for commit, name in new:
            if commit in contents:
                known.names.setdefault(contents[commit], {}).setdefault(commit, name)
        return known.names

    def _contents(self, commits: Iterable[str], place: str) -> dict[str, str]:
        try:
            return trees.object_ids(self._git_dir, commits, place, quarantine=self._quarantine)
        except ModelkeepError:
            return {}
