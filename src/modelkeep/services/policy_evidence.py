"""What a commit shows: metrics in files, annotations and model cards, labels, whether the card is complete.

Everything here is read from what somebody pushed: sizes are limited, and what cannot be read shows nothing.
"""

from __future__ import annotations

import json
import math
import posixpath
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from modelkeep.domain.artifacts import Annotation, Json
from modelkeep.domain.errors import ModelkeepError
from modelkeep.domain.model_card import CARD_FILE, gaps_of_card, metric_of_card, split_card
from modelkeep.domain.objects import EntryKind
from modelkeep.domain.policy import MetricEvidence
from modelkeep.git import trees
from modelkeep.services.annotations import read_annotations
from modelkeep.services.yaml_tree import YamlFault, read_yaml
from modelkeep.services.yaml_values import Values

_MAX_FILE = 1 << 20


class CommitEvidence:
    """What a commit shows about one artifact.

    Args:
        git_dir: The repository.
        commit: The commit.
        artifact: The artifact's name.
        quarantine: Where its objects are while a push is not accepted.
    """

    def __init__(self, git_dir: Path, commit: str, artifact: str, quarantine: Path | None = None) -> None:
        self._git_dir = git_dir
        self._commit = commit
        self._artifact = artifact
        self._quarantine = quarantine

    @cached_property
    def annotation(self) -> Annotation | None:
        """What the files at the commit say about the artifact."""
        try:
            found = read_annotations(self._git_dir, self._commit, quarantine=self._quarantine)
        except ModelkeepError:
            return None
        return found.annotations.get(self._artifact)

    @property
    def labels(self) -> Sequence[str]:
        """The artifact's labels."""
        return self.annotation.labels if self.annotation else ()

    @property
    def path(self) -> str | None:
        """Where its files are; None for an address, "" (the whole repo) where nothing is said."""
        annotation = self.annotation
        if annotation is None or annotation.path is None:
            return ""
        if annotation.is_link:
            return None
        path = posixpath.normpath(annotation.path).strip("/")
        return "" if path == "." else path

    def metric(self, evidence: MetricEvidence) -> float | str:
        """A metric's value, or why there is none."""
        if evidence.file is not None:
            values = self._file(evidence.file)
            if values is None:
                return f"is not known: {evidence.file} is not there, or cannot be read"
            return _number(_at(values, evidence.metric), f"in {evidence.file}")
        custom = self.annotation.custom if self.annotation else None
        metrics = custom.get("metrics") if isinstance(custom, Mapping) else None
        value = _at(metrics, evidence.metric)
        if value is None:
            value = metric_of_card(self._front_matter, evidence.metric)
        return _number(value, "in the artifact's annotation or the model card")

    @property
    def gaps_of_card(self) -> list[str]:
        """What the model card lacks to be complete."""
        if self._card is None:
            return [f"a {CARD_FILE}"]
        return gaps_of_card(self._front_matter, split_card(self._card)[1])

    @cached_property
    def _card(self) -> str | None:
        for place in self._places_of_card():
            content = self._read(posixpath.join(place, CARD_FILE) if place else CARD_FILE)
            if content is not None:
                return content.decode("utf-8", "replace")
        return None

    @cached_property
    def _front_matter(self) -> Json:
        text = split_card(self._card)[0] if self._card is not None else None
        return _yaml(text.encode()) if text else None

    def _places_of_card(self) -> list[str]:
        """From the nearest to the artifact to the root of the repo."""
        directory, colon, _ = self._artifact.rpartition(":")
        places = [directory] if colon else []
        if self.path:
            places = [self.path, posixpath.dirname(self.path), *places]
        return list(dict.fromkeys([*places, ""]))

    def _file(self, path: str) -> Json:
        content = self._read(path)
        if content is None:
            return None
        if not path.endswith(".json"):
            return _yaml(content)
        try:
            found: Json = json.loads(content)
        except (ValueError, RecursionError):
            return None
        return found

    def _read(self, path: str) -> bytes | None:
        try:
            entry = trees.entry(self._git_dir, self._commit, path, quarantine=self._quarantine)
            if entry is None or entry.kind is not EntryKind.FILE or entry.lfs_oid is not None:
                return None
            return trees.read_blob(self._git_dir, entry.id, _MAX_FILE, quarantine=self._quarantine)
        except ModelkeepError:
            return None


def _yaml(content: bytes) -> Json:
    try:
        root = read_yaml(content).root
        return Values().of(root) if root is not None else None
    except YamlFault:
        return None


def _at(values: Json, dotted: str) -> Json:
    """What stands under a key, or under keys with dots between them."""
    if isinstance(values, Mapping) and dotted in values:
        return values[dotted]
    for key in dotted.split("."):
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _number(value: Json, where: str) -> float | str:
    if value is None:
        return f"is not known {where}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"is no number {where}"
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    return number if math.isfinite(number) else f"is no finite number {where}"
