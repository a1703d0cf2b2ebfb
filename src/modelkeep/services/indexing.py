"""Keeps the SQL index of refs, versions, stages and annotations equal to what Git says.

``apply`` follows a ref update, ``rebuild`` starts from nothing; both read Git inside the write transaction, so that of
two that race the later one sees the newest refs. A crash between ref and SQL shows as a digest that differs from the
refs on disk; ``lagging`` looks for that when the hub starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from modelkeep.db import cards, repos
from modelkeep.db import refs as refs_index
from modelkeep.db import registry as registry_index
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.artifacts import AnnotationSet
from modelkeep.domain.cards import CardFields
from modelkeep.domain.changes import Changes
from modelkeep.domain.digest import digest_of
from modelkeep.domain.errors import ModelkeepError, NotFound
from modelkeep.domain.events import Event, TagProblem
from modelkeep.domain.objects import ZERO_ID, RawTag, Ref, RefUpdate
from modelkeep.domain.repos import Repo
from modelkeep.git import locks, refs, tags
from modelkeep.git.library import shared_handles
from modelkeep.services.access import find_repo
from modelkeep.services.annotation_moves import may_say_otherwise
from modelkeep.services.annotations import read_annotations
from modelkeep.services.card_index import card_fields
from modelkeep.services.header_reading import HeaderReader
from modelkeep.services.ports import Stores
from modelkeep.services.registry_tags import read_registry_tag
from modelkeep.services.weights import Weights

_TAGS = "refs/tags/"
_HEADS = "refs/heads/"
_LOCK_SECONDS = 60.0

Follower: TypeAlias = Callable[[Transaction, str, "Actor | None", Changes], None]
"""Told of changes inside the transaction that indexes them: repo id, who made them (None: found afterwards), what."""


class Indexing:
    """The index of one hub."""

    def __init__(self, stores: Stores, followers: Sequence[Follower] = ()) -> None:
        self._stores = stores
        self._followers = followers
        self._weights = Weights(HeaderReader(stores))

    def apply(
        self, tx: Transaction, repo_id: str, ref_names: Sequence[str], actor: Actor | None = None
    ) -> Changes:
        """Brings the index up to date for these refs, whatever has become of them, and tells the followers."""
        refs_index.lock_repo(tx, repo_id)
        with shared_handles():
            return self._apply(tx, repo_id, ref_names, actor)

    def _apply(self, tx: Transaction, repo_id: str, ref_names: Sequence[str], actor: Actor | None) -> Changes:
        git_dir = self._stores.repositories.path(repo_id)
        present = refs.read_refs(git_dir, ref_names)
        gone = [name for name in ref_names if name not in present]
        before = refs_index.targets(tx, repo_id, ref_names)
        refs_index.apply(tx, repo_id, list(present.values()), gone)
        tag_names = [name.removeprefix(_TAGS) for name in ref_names if name.startswith(_TAGS)]
        removed: list[Event] = []
        added: list[Event] = []
        if tag_names:
            removed, added = self._apply_tags(tx, repo_id, git_dir, tag_names, present)
        after = {name: ref.target for name, ref in present.items()}
        changes = _changes(before, after, removed, added)
        if any(name.startswith(_HEADS) for name in ref_names):
            self._follow_branch(tx, repo_id, git_dir, changes)
        self._tell(tx, repo_id, actor, changes)
        return changes

    def annotate(self, tx: Transaction, repo_id: str) -> None:
        """Reads again what the files of the default branch say, when another is that, or the repo is new."""
        git_dir = self._stores.repositories.path(repo_id)
        refs_index.lock_repo(tx, repo_id)
        full = f"{_HEADS}{repos.default_branch_of(tx, repo_id)}"
        present = refs.read_refs(git_dir, [full])
        commit = present[full].commit if full in present else None
        registry_index.set_annotations(tx, repo_id, _annotations(git_dir, commit))
        self._set_card(tx, repo_id, git_dir, commit)

    def rebuild(self, repo_id: str) -> int:
        """Rebuilds the index of a repo from its bare repository alone.

        Returns:
            How many refs it has.
        """
        git_dir = self._stores.repositories.path(repo_id)
        with locks.exclusive(git_dir, _LOCK_SECONDS), self._stores.database.write() as tx:
            refs_index.lock_repo(tx, repo_id)
            _restore_first_commit(git_dir, repos.repo_by_id(tx, repo_id))
            all_refs, events, problems = _read_all(git_dir)
            tip = _tip(all_refs, repos.default_branch_of(tx, repo_id))
            annotations = _annotations(git_dir, tip)
            digest = digest_of((ref.name, ref.target) for ref in all_refs)
            changes = Changes()
            if digest != refs_index.refs_digest(tx, repo_id):
                before = refs_index.all_targets(tx, repo_id)
                after = {ref.name: ref.target for ref in all_refs}
                changes = _changes(before, after, registry_index.events_of(tx, repo_id), events)
            refs_index.replace_all(tx, repo_id, all_refs, digest)
            registry_index.replace_index(
                tx, repo_id, events=events, problems=problems, annotations=annotations
            )
            self._set_card(tx, repo_id, git_dir, tip)
            self._tell(tx, repo_id, None, changes)
            return len(all_refs)

    def rebuild_named(self, actor: Actor, namespace: str, name: str) -> int:
        """Rebuilds the index of a repo for somebody who may configure it.

        Raises:
            NotFound: There is no such repo for this actor.
            NotPermitted: The role does not allow it.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name, Action.CONFIGURE).repo
        return self.rebuild(repo.id)

    def rebuild_by_name(self, namespace: str, name: str) -> int:
        """Rebuilds the index of a repo, for the hub's own administration on its machine.

        Raises:
            NotFound: There is no such repo.
        """
        with self._stores.database.read() as tx:
            repo = repos.repo_by_name_of_any_kind(tx, namespace, name)
        if repo is None:
            raise NotFound(f"There is no repo '{namespace}/{name}'.", code="repo_not_found")
        return self.rebuild(repo.id)

    def lagging(self) -> list[str]:
        """The ids of the repos whose refs on disk differ from the index."""
        with self._stores.database.read() as tx:
            known = repos.all_repo_ids(tx)
        return [repo_id for repo_id, digest in known if self._lags(repo_id, digest)]

    def rebuild_all(self) -> list[tuple[str, int]]:
        """Rebuilds the index of all repos; the result is each name with its count of refs."""
        with self._stores.database.read() as tx:
            known = [repo_id for repo_id, _ in repos.all_repo_ids(tx)]
        present = [repo_id for repo_id in known if self._stores.repositories.exists(repo_id)]
        return [(self.name_of(repo_id), self.rebuild(repo_id)) for repo_id in present]

    def name_of(self, repo_id: str) -> str:
        """``namespace/name`` of a repo, for reports on the hub's own machine."""
        with self._stores.database.read() as tx:
            repo = repos.repo_by_id(tx, repo_id)
        if repo is None:
            return repo_id
        return f"{repo.full_name} (deleted)" if repo.deleted_at else str(repo.full_name)

    def _lags(self, repo_id: str, digest: bytes) -> bool:
        if not self._stores.repositories.exists(repo_id):
            return False
        try:
            return refs.digest(self._stores.repositories.path(repo_id)) != digest
        except (OSError, ValueError, ModelkeepError):
            return True  # it cannot be read: rebuilding says why

    def _tell(self, tx: Transaction, repo_id: str, actor: Actor | None, changes: Changes) -> None:
        if changes:
            for follow in self._followers:
                follow(tx, repo_id, actor, changes)

    def _apply_tags(
        self, tx: Transaction, repo_id: str, git_dir: Path, names: list[str], present: dict[str, Ref]
    ) -> tuple[list[Event], list[Event]]:
        """Indexes registry tags; gives what they stood for before and what they stand for now."""
        tag_refs = [present[full] for full in (f"{_TAGS}{name}" for name in names) if full in present]
        events, problems = _sorted_out(tags.tags_at(git_dir, tag_refs))
        before = registry_index.replace_events(tx, repo_id, names, events, problems)
        return before, events

    def _follow_branch(self, tx: Transaction, repo_id: str, git_dir: Path, changes: Changes) -> None:
        full = f"{_HEADS}{repos.default_branch_of(tx, repo_id)}"
        moved = next((update for update in changes.refs if update.ref == full), None)
        if moved is None:
            return
        commit = None if moved.is_delete else moved.new
        if may_say_otherwise(git_dir, moved):
            registry_index.set_annotations(tx, repo_id, _annotations(git_dir, commit))
        self._set_card(tx, repo_id, git_dir, commit)

    def _set_card(self, tx: Transaction, repo_id: str, git_dir: Path, commit: str | None) -> None:
        repo = repos.repo_by_id(tx, repo_id)
        if repo is not None:
            found = card_fields(self._weights, git_dir, commit, repo.kind, tx) if commit else CardFields()
            cards.set_card(tx, repo_id, found)


def _changes(
    before: Mapping[str, str], after: Mapping[str, str], removed: Iterable[Event], added: Iterable[Event]
) -> Changes:
    """What differs; an event whose tag still has the same object is neither removed nor added."""
    moved = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    was, now = {e.tag: e for e in removed}, {e.tag: e for e in added}
    return Changes(
        refs=tuple(RefUpdate(name, before.get(name, ZERO_ID), after.get(name, ZERO_ID)) for name in moved),
        added=tuple(sorted(_without(now, was), key=lambda e: e.order)),
        removed=tuple(_without(was, now)),
    )


def _without(some: Mapping[str, Event], others: Mapping[str, Event]) -> Iterator[Event]:
    for tag, event in some.items():
        other = others.get(tag)
        if other is None or other.target != event.target:
            yield event


def _tip(all_refs: Iterable[Ref], branch: str) -> str | None:
    full = f"{_HEADS}{branch}"
    return next((ref.commit for ref in all_refs if ref.name == full), None)


def _annotations(git_dir: Path, commit: str | None) -> AnnotationSet:
    if commit is None:
        return AnnotationSet()
    try:
        return read_annotations(git_dir, commit)
    except ModelkeepError:  # a damaged repository must not keep its refs from being indexed
        return AnnotationSet()


def _restore_first_commit(git_dir: Path, repo: Repo | None) -> None:
    """Puts the hub's own first commit back, where a push took it away to replace it and never did (a crash)."""
    if repo is not None and repo.pristine_commit is not None and not refs.list_refs(git_dir):
        refs.create_ref(git_dir, f"refs/heads/{repo.default_branch}", repo.pristine_commit)


def _read_all(git_dir: Path) -> tuple[list[Ref], list[Event], list[TagProblem]]:
    """All refs and what the tags among them stand for, in one pass."""
    all_refs: list[Ref] = []

    def seen() -> Iterator[RawTag]:
        for ref, tag in tags.walk_refs(git_dir):
            all_refs.append(ref)
            if tag is not None:
                yield tag

    events, problems = _sorted_out(seen())
    return all_refs, events, problems


def _sorted_out(raw_tags: Iterable[RawTag]) -> tuple[list[Event], list[TagProblem]]:
    events: list[Event] = []
    problems: list[TagProblem] = []
    for raw in raw_tags:
        found = read_registry_tag(raw)
        if isinstance(found, Event):
            events.append(found)
        elif found is not None:
            problems.append(found)
    return events, problems
