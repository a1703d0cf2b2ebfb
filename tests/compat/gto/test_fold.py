"""Small random histories, read by the real gto and by our fold, come to the same state."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gto.api
import pygit2
import pytest

from modelkeep.domain.events import Event
from modelkeep.domain.history import ArtifactState, fold
from modelkeep.domain.tag_grammar import EventKind, TagName, format_tag
from modelkeep.git.refs import list_refs
from modelkeep.git.tags import read_tags
from modelkeep.services.registry_tags import read_registry_tag

START = 1_700_000_000
ARTIFACTS = ("churn", "models:digits")
STAGES = ("dev", "prod")
VERSIONS = ("v0.1.0", "v1.0.0-rc.1", "v1.0.0", "v1.10.0", "v1.9.0", "v2.0.0-2", "v2.0.0-alpha")


@dataclass(frozen=True)
class Planned:
    """A tag to make: its name, the number of its commit, seconds after the start."""

    name: TagName
    commit: int
    at: int


class Story:
    """Makes up tags that gto itself would have made: a commit has one version, a version has one commit."""

    def __init__(self, seed: int, commits: int) -> None:
        self._random = random.Random(seed)
        self._commits = commits
        self._clock = 0
        self._counter = dict.fromkeys(ARTIFACTS, 0)
        self._version_at: dict[str, dict[int, str]] = {artifact: {} for artifact in ARTIFACTS}
        self._bare: dict[str, set[int]] = {artifact: set() for artifact in ARTIFACTS}

    def tags(self, count: int) -> Iterator[Planned]:
        made = set()
        for _ in range(count):
            self._clock += self._random.choice((0, 0, 1, 2))
            planned = self._one(self._random.choice(ARTIFACTS))
            if planned is not None and format_tag(planned.name) not in made:
                made.add(format_tag(planned.name))
                yield planned

    def _one(self, artifact: str) -> Planned | None:
        kind = self._random.choices(
            (
                EventKind.REGISTRATION,
                EventKind.ASSIGNMENT,
                EventKind.UNASSIGNMENT,
                EventKind.DEREGISTRATION,
                EventKind.DEPRECATION,
            ),
            weights=(4, 6, 2, 2, 1),
        )[0]
        version_at = self._version_at[artifact]
        commit = self._random.randrange(self._commits)
        self._counter[artifact] += 1
        counter = self._counter[artifact]
        if kind is EventKind.DEPRECATION:
            return Planned(TagName(kind, artifact, counter=counter), commit, self._clock)
        if kind is EventKind.REGISTRATION:
            unused = [v for v in VERSIONS if v not in version_at.values()]
            if commit in self._bare[artifact] or (commit not in version_at and not unused):
                return None
            version = version_at.setdefault(commit, unused[0] if not unused else self._random.choice(unused))
            return Planned(TagName(kind, artifact, version=version, counter=counter), commit, self._clock)
        if kind is EventKind.DEREGISTRATION:
            if not version_at:
                return None
            commit = self._random.choice(sorted(version_at))
            return Planned(
                TagName(kind, artifact, version=version_at[commit], counter=counter), commit, self._clock
            )
        stage = self._random.choice(STAGES)
        if commit not in version_at:
            # gto lists a commit without a version anew for each of its tags; one assignment reads the same.
            if kind is EventKind.UNASSIGNMENT or commit in self._bare[artifact]:
                return None
            self._bare[artifact].add(commit)
        return Planned(TagName(kind, artifact, stage=stage, counter=counter), commit, self._clock)


def build(folder: Path, seed: int) -> None:
    repository = pygit2.init_repository(str(folder), bare=True)
    writer = pygit2.Signature("Ann", "ann@example.com", START - 100, 0)
    tree = repository.TreeBuilder().write()
    commits: list[pygit2.Oid] = []
    for number in range(6):
        parents = commits[-1:]
        commits.append(
            repository.create_commit("refs/heads/main", writer, writer, f"Train {number}", tree, parents)
        )
    repository.set_head("refs/heads/main")
    for planned in Story(seed, len(commits)).tags(18):
        tagger = pygit2.Signature("Bob", "bob@example.com", START + planned.at, 60)
        repository.create_tag(
            format_tag(planned.name), commits[planned.commit], pygit2.enums.ObjectType.COMMIT, tagger, "why\n"
        )


def read_by_us(folder: Path) -> dict[str, ArtifactState]:
    names = [ref.short_name for ref in list_refs(folder) if ref.is_tag]
    events = [read_registry_tag(raw) for raw in read_tags(folder, names)]
    assert all(isinstance(event, Event) for event in events)
    return fold(event for event in events if isinstance(event, Event))


def summary(state: ArtifactState) -> dict[str, object]:
    latest = state.latest
    return {
        "version": latest.name if latest else None,
        "stage": {stage: state.holders(stage)[0].name for stage in state.stage_names()},
        "active": state.is_active,
    }


def gto_summary(shown: dict[str, object]) -> dict[str, object]:
    stages = shown["stage"]
    assert isinstance(stages, dict)
    held = {stage: version for stage, version in stages.items() if version is not None}
    return {"version": shown["version"], "stage": held, "active": shown["active"]}


@pytest.mark.parametrize("seed", range(25))
def test_gto_shows_the_same(seed: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory) / "repo.git"
        build(folder, seed)
        theirs = gto.api.show(str(folder), deprecated=True)
        ours = read_by_us(folder)
    assert {name: summary(state) for name, state in ours.items()} == {
        name: gto_summary(shown) for name, shown in theirs.items()
    }
