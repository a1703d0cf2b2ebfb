"""Artifacts at a glance as rows of the registry index: what tags say in some columns, what files say in the others."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any, cast

from sqlalchemy import Table, delete, select, update

from modelkeep.db.batches import batches
from modelkeep.db.row_sets import replace_rows
from modelkeep.db.storable import storable
from modelkeep.db.tables import NEVER, ArtifactLabels, Artifacts, FileProblems
from modelkeep.db.transaction import Transaction
from modelkeep.domain.artifacts import Annotation, AnnotationSet, FileProblem
from modelkeep.domain.names import fold
from modelkeep.domain.registry import ArtifactFacts

FACTS = ("is_registered", "is_active", "latest", "latest_at", "updated_at", "versions")
"""The columns that come from tags."""

ANNOTATION = ("source", "type", "path", "is_virtual", "description", "labels", "custom", "checksum", "search")
"""The columns that come from files."""

ARTIFACT_COLUMNS = ("repo_id", "artifact", *FACTS, *ANNOTATION)

_NO_FACTS = (False, True, None, NEVER, NEVER, 0)
_SEARCHED = 4000
_TABLE = cast("Table", Artifacts.__table__)


def set_facts(tx: Transaction, repo_id: str, artifact: str, facts: ArtifactFacts | None) -> None:
    """Notes what the tags of an artifact come to; None: no tag speaks of it any more."""
    values = _fact_values(facts)
    if facts is None:
        keys = (Artifacts.repo_id == repo_id, Artifacts.artifact == artifact)
        tx.execute(delete(Artifacts).where(*keys, Artifacts.source.is_(None)))
        tx.execute(update(Artifacts).where(*keys).values(dict(zip(FACTS, values, strict=True))))
        return
    row = (repo_id, artifact, *values, *_annotation_values(artifact, None))
    _upsert(tx, row, FACTS)


def set_annotations(tx: Transaction, repo_id: str, found: AnnotationSet) -> None:
    """Makes the index say exactly this about the files of the default branch, by writing only what differs."""
    columns = [_TABLE.c[name] for name in ("artifact", "is_registered", *ANNOTATION)]
    rows = tx.execute(select(*columns).where(Artifacts.repo_id == repo_id, Artifacts.source.is_not(None)))
    present = {row[0]: (row[1], tuple(row[2:])) for row in rows}
    for name, annotation in found.annotations.items():
        values = _annotation_values(name, annotation)
        if name not in present or present[name][1] != values:
            _upsert(tx, (repo_id, name, *_NO_FACTS, *values), ANNOTATION)
    gone = [name for name in present if name not in found.annotations]
    _delete(tx, repo_id, [name for name in gone if not present[name][0]])
    for name in gone:
        if present[name][0]:
            blank = dict(zip(ANNOTATION, _annotation_values(name, None), strict=True))
            keys = (Artifacts.repo_id == repo_id, Artifacts.artifact == name)
            tx.execute(update(Artifacts).where(*keys).values(blank))
    _replace_labels_and_problems(tx, repo_id, found)


def replace_artifacts(
    tx: Transaction, repo_id: str, facts: Iterable[ArtifactFacts], found: AnnotationSet
) -> None:
    """Makes the index say exactly this about the artifacts of a repo."""
    by_name = {known.artifact: known for known in facts}
    rows = [
        (
            repo_id,
            name,
            *_fact_values(by_name.get(name)),
            *_annotation_values(name, found.annotations.get(name)),
        )
        for name in sorted({*by_name, *found.annotations})
    ]
    replace_rows(tx, Artifacts, ARTIFACT_COLUMNS, repo_id, rows)
    _replace_labels_and_problems(tx, repo_id, found)


def file_problems_of(tx: Transaction, repo_id: str) -> list[FileProblem]:
    """The files of a repo's default branch that cannot be read, or only in part, in their order."""
    rows = tx.execute(
        select(
            FileProblems.file, FileProblems.code, FileProblems.reason, FileProblems.remedy, FileProblems.line
        )
        .where(FileProblems.repo_id == repo_id)
        .order_by(FileProblems.number)
    )
    return [FileProblem(*row) for row in rows]


def _fact_values(facts: ArtifactFacts | None) -> tuple[Any, ...]:
    if facts is None:
        return _NO_FACTS
    latest_at = NEVER if facts.latest_at is None else facts.latest_at
    return (True, facts.is_active, facts.latest, latest_at, facts.updated_at, facts.versions)


def _annotation_values(artifact: str, annotation: Annotation | None) -> tuple[Any, ...]:
    if annotation is None:
        return (None, None, None, True, "", "[]", "null", None, storable(fold(artifact)))
    said = annotation
    sought = "\n".join((artifact, *said.labels, said.description))[:_SEARCHED]
    return (
        storable(said.source),
        _storable(said.type),
        _storable(said.path),
        said.is_virtual,
        storable(said.description),
        json.dumps(said.labels),
        json.dumps(said.custom),
        _storable(said.checksum),
        storable(fold(sought)),
    )


def _storable(text: str | None) -> str | None:
    return None if text is None else storable(text)


def _upsert(tx: Transaction, row: tuple[Any, ...], changed: Collection[str]) -> None:
    statement = tx.insert(Artifacts)
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["repo_id", "artifact"],
            set_={name: getattr(statement.excluded, name) for name in changed},
        ),
        dict(zip(ARTIFACT_COLUMNS, row, strict=True)),
    )


def _delete(tx: Transaction, repo_id: str, names: list[str]) -> None:
    for some in batches(names):
        tx.execute(delete(Artifacts).where(Artifacts.repo_id == repo_id, Artifacts.artifact.in_(some)))


def _replace_labels_and_problems(tx: Transaction, repo_id: str, found: AnnotationSet) -> None:
    labels = {
        (repo_id, name, storable(label))
        for name, annotation in found.annotations.items()
        for label in annotation.labels
    }
    replace_rows(tx, ArtifactLabels, ("repo_id", "artifact", "label"), repo_id, sorted(labels))
    problems = [
        (
            repo_id,
            number,
            storable(problem.file),
            problem.code,
            storable(problem.reason),
            storable(problem.remedy),
            problem.line,
        )
        for number, problem in enumerate(found.problems)
    ]
    columns = ("repo_id", "number", "file", "code", "reason", "remedy", "line")
    replace_rows(tx, FileProblems, columns, repo_id, problems)
