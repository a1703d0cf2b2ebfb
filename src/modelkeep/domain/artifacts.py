"""What a repo's files say about its artifacts, as values: ``artifacts.yaml`` (GTO's) and ``dvc.yaml`` (DVC's)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

ARTIFACTS_FILE = "artifacts.yaml"
"""Where GTO keeps annotations, at the root of a repo."""

DVC_FILE = "dvc.yaml"
"""Where DVC keeps them, in any directory."""

_LINK = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")


@dataclass(frozen=True, slots=True)
class Annotation:
    """What is said about one artifact.

    Attributes:
        name: ``churn``, or ``models:churn`` where it stands in ``models/dvc.yaml``.
        source: The file that says it, by its path in the repo.
        type: Such as ``model``; None if unsaid.
        path: A file or a folder of the repo (relative to the repo's root), or an address such as ``s3://…``.
        labels: In the order of the file.
        description: Empty if unsaid.
        is_virtual: False for an artifact whose files are in Git.
        custom: Whatever else is said (``custom`` of GTO, ``meta`` of DVC).
        checksum: ``sha256:…`` (or another algorithm) where ``custom`` gives one for a link.
    """

    name: str
    source: str = ARTIFACTS_FILE
    type: str | None = None
    path: str | None = None
    labels: tuple[str, ...] = ()
    description: str = ""
    is_virtual: bool = True
    custom: Json = None
    checksum: str | None = None

    @property
    def is_link(self) -> bool:
        """Whether the path is an address outside of the repo."""
        return self.path is not None and _LINK.match(self.path) is not None


@dataclass(frozen=True, slots=True)
class FileProblem:
    """A file of a repo that the registry reads and cannot, or only in part.

    ``code`` is for programs; ``line`` counts from 1, None where the fault has no line.
    """

    file: str
    code: str
    reason: str
    remedy: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class AnnotationSet:
    """All annotations at one commit, by artifact name, and the files (or parts) that could not be read."""

    annotations: Mapping[str, Annotation] = field(default_factory=dict)
    problems: tuple[FileProblem, ...] = ()
