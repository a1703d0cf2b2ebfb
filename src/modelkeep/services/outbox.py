"""The outbox: whatever changes says so, in the transaction of the change.

``emit`` is for services that change something; :class:`Outbox` follows the index, so that refs and registry tags are
told of whichever door they came through, and also where a crash let the hub find them only afterwards.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from modelkeep.db import outbox, repos
from modelkeep.db.stage_history import events_about_stage
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.artifacts import Annotation, AnnotationSet, Json
from modelkeep.domain.changes import Changes
from modelkeep.domain.errors import ModelkeepError
from modelkeep.domain.events import Event
from modelkeep.domain.objects import ZERO_ID, RefUpdate
from modelkeep.domain.outbox import FOUND_BY_HUB, NewOutboxEvent
from modelkeep.domain.repos import Repo
from modelkeep.domain.standing import Standing, standings
from modelkeep.domain.tag_grammar import EventKind
from modelkeep.services.annotation_moves import may_say_otherwise
from modelkeep.services.ports import Stores

ReadAnnotations: TypeAlias = Callable[[Path, str], AnnotationSet]

_TYPES = {
    EventKind.REGISTRATION: "version.registered",
    EventKind.DEREGISTRATION: "version.deregistered",
    EventKind.ASSIGNMENT: "stage.assigned",
    EventKind.UNASSIGNMENT: "stage.unassigned",
    EventKind.DEPRECATION: "artifact.deprecated",
}
_LONGEST_MESSAGE = 10_000
_MOST_COMMITS_READ = 500
_FIRST_LOOK = 20


def emit(
    tx: Transaction,
    now: datetime,
    type: str,
    data: Mapping[str, Json],
    *,
    repo: Repo | None,
    namespace_id: int | None = None,
    actor: str,
) -> None:
    """Adds an event to the outbox, as part of ``tx``: it is seen once that is committed, and not otherwise.

    Args:
        tx: The transaction of the change.
        now: When it happens.
        type: One of :data:`modelkeep.domain.outbox.EVENT_TYPES`.
        data: What changed; JSON values.
        repo: Which repo it is about.
        namespace_id: Which namespace it belongs to, where it is about no repo.
        actor: The name of who does it.
    """
    outbox.append(tx, [_new(now, type, data, repo, namespace_id, actor)])


class Outbox:
    """Turns changes of the index into events.

    Args:
        stores: Where the repositories are.
        read_annotations: What the files of a commit say about artifacts.
    """

    def __init__(self, stores: Stores, read_annotations: ReadAnnotations) -> None:
        self._stores = stores
        self._read_annotations = read_annotations

    def follow(self, tx: Transaction, repo_id: str, actor: Actor | None, changes: Changes) -> None:
        """Adds an event for every ref that moved and every registry event that is new."""
        repo = repos.repo_by_id(tx, repo_id)
        if repo is None:
            return
        now = self._stores.now()
        name = actor.username if actor is not None else FOUND_BY_HUB
        found = [("ref.updated", _ref_data(update)) for update in changes.refs]
        found += self._annotation_data(repo, changes.refs)
        found += self._registry_data(tx, repo_id, changes.added)
        outbox.append(tx, [_new(now, kind, data, repo, None, name) for kind, data in found])

    def _annotation_data(
        self, repo: Repo, updates: Sequence[RefUpdate]
    ) -> Iterator[tuple[str, dict[str, Json]]]:
        """What the default branch says about artifacts now, where that is something else than before."""
        git_dir = self._stores.repositories.path(repo.id)
        for update in updates:
            if update.ref != f"refs/heads/{repo.default_branch}" or update.is_delete:
                continue
            if not may_say_otherwise(git_dir, update):
                continue
            before, after = self._said_at(git_dir, update.old), self._said_at(git_dir, update.new)
            for name in sorted({*before, *after}):
                if before.get(name) != after.get(name):
                    yield "artifact.annotated", _said(name, after.get(name), update)

    def _registry_data(
        self, tx: Transaction, repo_id: str, added: Sequence[Event]
    ) -> Iterator[tuple[str, dict[str, Json]]]:
        events = [event for event in added if event.kind in _TYPES]
        standing = _standings(tx, repo_id, events)
        annotations = self._annotations(repo_id, events)
        for event in events:
            annotation = annotations.get((event.commit, event.artifact))
            yield _TYPES[event.kind], _event_data(event, standing.get(event.tag), annotation)

    def _annotations(self, repo_id: str, events: Sequence[Event]) -> dict[tuple[str, str], Annotation]:
        """What was said about the artifacts at their commits; of very many commits only the newest are read."""
        git_dir = self._stores.repositories.path(repo_id)
        commits = list(dict.fromkeys(event.commit for event in reversed(events)))[:_MOST_COMMITS_READ]
        return {
            (commit, name): annotation
            for commit in commits
            for name, annotation in self._said_at(git_dir, commit).items()
        }

    def _said_at(self, git_dir: Path, commit: str) -> Mapping[str, Annotation]:
        """What a commit says; nothing where it cannot be read, which must not keep the index from following Git."""
        if commit == ZERO_ID:
            return {}
        try:
            return self._read_annotations(git_dir, commit).annotations
        except (ModelkeepError, OSError):
            return {}


def _standings(tx: Transaction, repo_id: str, events: Sequence[Event]) -> dict[str, Standing]:
    tags: dict[tuple[str, str], list[str]] = {}
    for event in events:
        if event.stage is not None:
            tags.setdefault((event.artifact, event.stage), []).append(event.tag)
    found: dict[str, Standing] = {}
    for (artifact, stage), wanted in tags.items():
        # Who holds a stage shows from its last events; only where nobody does in these, older ones count.
        known, is_all = events_about_stage(tx, repo_id, artifact, stage, len(wanted) + _FIRST_LOOK)
        standing = standings(known)
        if not is_all and any(tag not in standing or standing[tag].previous is None for tag in wanted):
            standing = standings(events_about_stage(tx, repo_id, artifact, stage)[0])
        found |= {tag: standing[tag] for tag in wanted if tag in standing}
    return found


def _event_data(event: Event, standing: Standing | None, annotation: Annotation | None) -> dict[str, Json]:
    return {
        "event": event.kind.value,
        "name": event.artifact,
        "version": standing.version if standing else event.version,
        "stage": event.stage,
        "type": annotation.type if annotation else None,
        "path": annotation.path if annotation else None,
        "description": annotation.description if annotation else None,
        "ref": f"refs/tags/{event.tag}",
        "tag": event.tag,
        "commit": event.commit,
        "message": event.message[:_LONGEST_MESSAGE],
        "author": event.by.name,
        "author_email": event.by.email,
        "tagged_at": event.by.when.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "counter": event.counter,
        "previous": standing.previous if standing else None,
    }


def _said(name: str, annotation: Annotation | None, update: RefUpdate) -> dict[str, Json]:
    return {
        "name": name,
        "type": annotation.type if annotation else None,
        "path": annotation.path if annotation else None,
        "description": annotation.description if annotation else None,
        "labels": list(annotation.labels) if annotation else [],
        "removed": annotation is None,
        "ref": update.ref,
        "commit": update.new,
    }


def _ref_data(update: RefUpdate) -> dict[str, Json]:
    return {
        "ref": update.ref,
        "old": None if update.old == ZERO_ID else update.old,
        "new": None if update.new == ZERO_ID else update.new,
    }


def _new(
    now: datetime,
    kind: str,
    data: Mapping[str, Json],
    repo: Repo | None,
    namespace_id: int | None,
    actor: str,
) -> NewOutboxEvent:
    return NewOutboxEvent(
        id=str(uuid.uuid4()),
        type=kind,
        at=now,
        repo=str(repo.full_name) if repo else None,
        repo_id=repo.id if repo else None,
        namespace_id=repo.namespace_id if repo else namespace_id,
        actor=actor,
        data=data,
    )
