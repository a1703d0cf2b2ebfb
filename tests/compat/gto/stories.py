"""Made-up registries: commits, annotation files and tags such as gto and people with git make, from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import pygit2

from modelkeep.domain.tag_grammar import EventKind, TagName, format_tag

START = 1_700_000_000
ARTIFACTS = ("churn", "models:digits", "a/b", "nn")
STAGES = ("dev", "prod", "qa-1")
VERSIONS = (
    "v0.1.0",
    "v1.0.0-rc.1",
    "v1.0.0",
    "v1.0.0+build.2",
    "v1.10.0",
    "v1.9.0",
    "v2.0.0-2",
    "v2.0.0-alpha",
)
PEOPLE = (("Ann", "ann@example.com"), ("Zoë Müller", "zoë@example.org"), ("a  b", "x y@z"))
ZONES = (0, 60, -300, 330)
MESSAGES = (
    "why\n",
    "  Prüfung bestanden ✓\n\nall of it\n\n\n",
    "\n",
    "\ttabs and \u00a0\n",
    "emoji 🎉 and \u2028 line\n",
    'quotes " and \\ \x07 bell\n',
    "signed\n-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n",
    "signed\n\n-----BEGIN PGP SIGNATURE-----\n\nwsB\n-----END PGP SIGNATURE-----\n",
    "two\n-----BEGIN PGP SIGNATURE-----\nx\n-----BEGIN SSH SIGNATURE-----\ny\n",
    "not -----BEGIN SSH SIGNATURE----- at the start\n",
)
COMMIT_MESSAGES = ("Train", "Train\n\nlonger\n", "\n\nÜben\n", "x\n\n\n")
ANNOTATIONS = (
    None,
    "{}\n",
    "churn:\n  type: model\n  path: m.pkl\n  labels: [a, b, a]\n",
    "zoo: {}\nnn:\n  path: s3://bucket/nn\n  virtual: false\n  description: grüße\n",
    "churn:\n  type: ''\n  unknown: {x: [1]}\n  custom:\n    metrics: {auc: 0.93, n: 12, deep: [1.5, null, true]}\n",
    "a/b: &x {labels: [z], custom: 1e3}\nother: *x\nat:\n  custom: 2024-02-01 10:00:00\n",
)
CONFIGS = (None, "types: [model]\nemojis: 'off'\n", "index: more.yaml\n")
LAST_CONFIGS = (None, "stages: [dev, prod, archive]\n", "STAGES: []\nindex: more.yaml\n")
"""What holds at the end only: the gate lets no other stages in while it holds."""


@dataclass
class Story:
    """What to push, one push after another: the tip of the branch, and new tags."""

    pushes: list[tuple[str, list[str]]] = field(default_factory=list)

    @property
    def tags(self) -> list[str]:
        return [tag for _, tags in self.pushes for tag in tags]


class Teller:
    """Makes up one story: what gto reads without giving up."""

    def __init__(self, tree: Path, seed: int) -> None:
        self._random = random.Random(seed)
        self._repository = pygit2.Repository(str(tree))
        self._story = Story()
        self._clock = START
        self._commits: list[pygit2.Oid] = []
        self._counters = dict.fromkeys(ARTIFACTS, 0)
        self._at: dict[tuple[str, pygit2.Oid], str] = {}
        self._is_active: dict[tuple[str, str], bool] = {}
        self._made: set[str] = set()

    def tell(self, commits: int, tags: int, pushes: int) -> Story:
        config = self._random.choice(CONFIGS)
        for _ in range(commits):
            self._commit(config)
        for number in range(pushes):
            made = [self._tag() for _ in range(tags // pushes)]
            self._push([tag for tag in made if tag is not None])
            if number == 0 and self._random.random() < 0.5:
                self._commit(config)  # a tip without tags
        last = self._random.choice(LAST_CONFIGS)
        if last is not None:
            self._commit(last)
            self._push([])
        return self._story

    def _push(self, tags: list[str]) -> None:
        self._story.pushes.append((str(self._commits[-1]), tags))

    def _signature(self, at: int) -> pygit2.Signature:
        name, email = self._random.choice(PEOPLE)
        return pygit2.Signature(name, email, at, self._random.choice(ZONES))

    def _commit(self, config: str | None) -> None:
        annotations = self._random.choice(ANNOTATIONS)
        builder = self._repository.TreeBuilder()
        number = f"{len(self._commits)}\n"
        files = {
            "number.txt": number,
            "artifacts.yaml": annotations,
            ".gto": config,
            "more.yaml": annotations,
        }
        for name, text in files.items():
            if text is not None:
                builder.insert(name, self._repository.create_blob(text.encode()), pygit2.enums.FileMode.BLOB)
        self._clock += self._random.choice((0, 1, 60))
        self._commits.append(
            self._repository.create_commit(
                "refs/heads/main",
                self._signature(self._clock - 5),
                self._signature(self._clock),
                self._random.choice(COMMIT_MESSAGES),
                builder.write(),
                self._commits[-1:],
            )
        )

    def _tag(self) -> str | None:
        self._clock += self._random.choice((0, 0, 1, 3000))
        artifact = self._random.choice(ARTIFACTS)
        commit = self._random.choice(self._commits)
        name = self._name(artifact, commit)
        tag = format_tag(name) if name is not None else None
        if tag is None or tag in self._made:
            return None
        self._made.add(tag)
        self._repository.create_tag(
            tag,
            commit,
            pygit2.enums.ObjectType.COMMIT,
            self._signature(self._clock),
            self._random.choice(MESSAGES),
        )
        return tag

    def _name(self, artifact: str, commit: pygit2.Oid) -> TagName | None:
        kind = self._random.choices(
            (
                EventKind.REGISTRATION,
                EventKind.ASSIGNMENT,
                EventKind.UNASSIGNMENT,
                EventKind.DEREGISTRATION,
                EventKind.DEPRECATION,
            ),
            weights=(5, 6, 2, 3, 1),
        )[0]
        counter = None
        if self._random.random() < 0.7:
            counter = self._counters[artifact] = self._counters[artifact] + self._random.choice((1, 1, 10))
        if kind is EventKind.DEPRECATION:
            return TagName(kind, artifact, counter=counter)
        if kind in (EventKind.ASSIGNMENT, EventKind.UNASSIGNMENT):
            return TagName(kind, artifact, stage=self._random.choice(STAGES), counter=counter)
        version = self._at.get((artifact, commit))
        if kind is EventKind.DEREGISTRATION:
            if version is None or not self._is_active[artifact, version]:
                return None
        elif version is None:
            used = {named for (other, _), named in self._at.items() if other == artifact}
            unused = [named for named in VERSIONS if named not in used]
            if not unused:
                return None
            version = self._at[artifact, commit] = self._random.choice(unused)
        elif self._is_active[artifact, version]:
            return None
        self._is_active[artifact, version] = kind is EventKind.REGISTRATION
        return TagName(kind, artifact, version=version, counter=counter)
