"""The registry as it stood at a moment, and what changed between two: events are folded up to then.

What counts is the tagger's time. A page costs a bounded amount of work: when enough events have been folded it ends,
even where fewer rows were found than were asked for; the next one goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from math import floor
from typing import TypeVar

from modelkeep.db import past_artifacts
from modelkeep.db import registry as registry_index
from modelkeep.db.past_artifacts import PastArtifact
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.errors import InvalidInput, NotFound
from modelkeep.domain.events import Event
from modelkeep.domain.history import ArtifactState, fold_artifact
from modelkeep.domain.paging import CursorKey, Page, PageRequest, encode_cursor
from modelkeep.domain.past import StageChange, events_until, stage_changes
from modelkeep.domain.registry import (
    ArtifactFilter,
    ArtifactSummary,
    HeldStage,
    StageRow,
    VersionRow,
    artifact_facts,
    stage_rows,
    version_rows,
)
from modelkeep.services.access import find_repo
from modelkeep.services.ports import Stores

T = TypeVar("T")

_AT_ONCE = 50
MOST_EVENTS = 20_000
"""Events folded for one page; the artifact that goes over it is still folded as a whole."""

_Row = tuple[CursorKey, T]
_Read = Callable[[Transaction, PageRequest, bool], list[PastArtifact]]
"""The artifacts after a key, or from it on."""

_LAST = "\U0010ffff"
"""As a stage in a cursor: all stages of the artifact are done."""


class Past:
    """The registry through time.

    Args:
        stores: The media beneath.
        most_events: How many events are folded for one page, about.
    """

    def __init__(self, stores: Stores, most_events: int = MOST_EVENTS) -> None:
        self._stores = stores
        self._most_events = most_events

    def overview(
        self,
        actor: Actor,
        page: PageRequest,
        wanted: ArtifactFilter,
        at: datetime,
        *,
        repo: tuple[str, str] | None = None,
    ) -> Page[ArtifactSummary]:
        """Artifacts as they stood, by repo and name; type, path, description and labels are those of now.

        Raises:
            NotFound: ``repo`` names none.
            InvalidInput: The cursor belongs to another list.
        """

        def rows(one: PastArtifact, events: Sequence[Event]) -> Iterator[_Row[ArtifactSummary]]:
            state = fold_artifact(one.artifact, events)
            if _fits(state, wanted):
                yield one.key, _summary(one, state)

        return self._page(actor, page, wanted, at, repo, rows, 3)

    def holders(
        self,
        actor: Actor,
        page: PageRequest,
        wanted: ArtifactFilter,
        at: datetime,
        *,
        repo: tuple[str, str] | None = None,
    ) -> Page[HeldStage]:
        """Who held which stage, by repo, artifact and stage; of ``wanted.stage`` alone where it is given.

        Raises:
            NotFound: ``repo`` names none.
            InvalidInput: The cursor belongs to another list.
        """

        def rows(one: PastArtifact, events: Sequence[Event]) -> Iterator[_Row[HeldStage]]:
            for row in stage_rows(fold_artifact(one.artifact, events)):
                if wanted.stage in (None, row.stage):
                    yield (*one.key, row.stage), HeldStage(one.repo, row)

        return self._page(actor, page, wanted, at, repo, rows, 4)

    def versions(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        artifact: str,
        page: PageRequest,
        at: datetime,
        *,
        active_only: bool = False,
    ) -> Page[VersionRow]:
        """The versions of an artifact as they stood, greatest first.

        Raises:
            NotFound: Nothing of the artifact was tagged by then.
            InvalidInput: The cursor belongs to another list.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            known = events_until(registry_index.events_of(tx, repo.id, artifact), at.timestamp())
        if not known:
            raise NotFound(
                f"There was no artifact '{artifact}' in {repo.full_name} at {at.isoformat()}.",
                code="no_artifact",
            )
        state = fold_artifact(artifact, known)
        rows = [row for row in version_rows(state) if row.is_active or not active_only]
        rows.sort(key=lambda row: (row.sort_key, row.version), reverse=True)
        if page.after is not None:
            if len(page.after) != 2 or not all(isinstance(part, str) for part in page.after):
                raise _foreign_cursor()
            after = (str(page.after[0]), str(page.after[1]))
            rows = [row for row in rows if (row.sort_key, row.version) < after]
        shown = rows[: page.limit]
        is_last = len(rows) <= page.limit
        cursor = None if is_last else encode_cursor((shown[-1].sort_key, shown[-1].version))
        return Page(tuple(shown), cursor)

    def stages(
        self, actor: Actor, namespace: str, name: str, artifact: str, at: datetime | None
    ) -> list[StageRow]:
        """Who held the stages of an artifact (``at`` None: who holds them), by stage.

        Raises:
            NotFound: There is no such repo.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            if at is None:
                return registry_index.stages_of(tx, repo.id, artifact)
            events = registry_index.events_of(tx, repo.id, artifact)
        return stage_rows(fold_artifact(artifact, events_until(events, at.timestamp())))

    def stage(
        self, actor: Actor, namespace: str, name: str, artifact: str, stage: str, at: datetime | None
    ) -> StageRow:
        """Who held a stage (``at`` None: who holds it).

        Raises:
            NotFound: Nobody, or there is no such repo.
        """
        for row in self.stages(actor, namespace, name, artifact, at):
            if row.stage == stage:
                return row
        when = f" at {at.isoformat()}" if at else ""
        raise NotFound(f"Nothing of '{artifact}' is in stage '{stage}'{when}.", code="no_stage")

    def diff(
        self,
        actor: Actor,
        page: PageRequest,
        since: datetime,
        until: datetime | None = None,
        *,
        namespace: str | None = None,
        repo: str | None = None,
        stage: str | None = None,
    ) -> Page[StageChange]:
        """Which stages have another holder at ``until`` (None: with all that is known) than at ``since``.

        Raises:
            InvalidInput: The span ends before it begins, or the cursor belongs to another list.
        """
        if until is not None and until < since:
            raise InvalidInput("The span ends before it begins; swap from and to.", code="invalid_time")
        start = floor(since.timestamp())
        stop = None if until is None else floor(until.timestamp())

        def read(tx: Transaction, chunk: PageRequest, is_inclusive: bool) -> list[PastArtifact]:
            return past_artifacts.artifacts_between(
                tx, actor, chunk, start, stop, namespace=namespace, repo=repo, is_inclusive=is_inclusive
            )

        def rows(one: PastArtifact, events: Sequence[Event]) -> Iterator[_Row[StageChange]]:
            last = max((event.at for event in events), default=start)
            end = last if stop is None else stop
            for change in stage_changes(one.repo, one.artifact, events, start, end, stage):
                yield (*one.key, change.stage), change

        with self._stores.database.read() as tx:
            return self._fill(tx, page, stop, read, rows, 4)

    def _page(
        self,
        actor: Actor,
        page: PageRequest,
        wanted: ArtifactFilter,
        at: datetime,
        repo: tuple[str, str] | None,
        rows: Callable[[PastArtifact, Sequence[Event]], Iterator[_Row[T]]],
        parts: int,
    ) -> Page[T]:
        until = floor(at.timestamp())
        with self._stores.database.read() as tx:
            repo_id = find_repo(tx, actor, *repo).repo.id if repo else None

            def read(tx: Transaction, chunk: PageRequest, is_inclusive: bool) -> list[PastArtifact]:
                return past_artifacts.artifacts_until(
                    tx, actor, chunk, wanted, until, repo_id=repo_id, is_inclusive=is_inclusive
                )

            return self._fill(tx, page, until, read, rows, parts)

    def _fill(
        self,
        tx: Transaction,
        page: PageRequest,
        until: int | None,
        read: _Read,
        rows: Callable[[PastArtifact, Sequence[Event]], Iterator[_Row[T]]],
        parts: int,
    ) -> Page[T]:
        """Fills a page: reads artifacts some at a time, folds them, keeps their rows.

        Args:
            tx: The transaction.
            page: Which page.
            until: The last second whose events count; None for all.
            read: The next artifacts.
            rows: The rows of an artifact with these events; each with its key, in order.
            parts: How many parts the key of a row has: the artifact's three, perhaps the stage.
        """
        after = page.after
        if after is not None and (len(after) != parts or not all(isinstance(part, str) for part in after)):
            raise _foreign_cursor()
        found: list[_Row[T]] = []
        folded = 0
        position = None if after is None else after[:3]
        is_inclusive = (
            after is not None and parts == 4 and after[3] != _LAST
        )  # some of its stages are to come
        while True:
            chunk, is_inclusive = read(tx, PageRequest(_AT_ONCE, position), is_inclusive), False
            events = past_artifacts.events_of_artifacts(tx, chunk, until)
            for one in chunk:
                own = events[one.repo_id, one.artifact]
                found += [row for row in rows(one, own) if after is None or row[0] > after]
                position = one.key
                folded += len(own)
                if len(found) > page.limit:
                    shown = found[: page.limit]
                    return Page(tuple(row for _, row in shown), encode_cursor(shown[-1][0]))
                if folded > self._most_events:
                    end = position if parts == 3 else (*position, _LAST)
                    return Page(tuple(row for _, row in found), encode_cursor(end))
            if len(chunk) < _AT_ONCE:
                return Page(tuple(row for _, row in found))


def _fits(state: ArtifactState, wanted: ArtifactFilter) -> bool:
    is_deprecated = not state.is_active
    if wanted.is_deprecated not in (None, is_deprecated) or wanted.is_registered is False:
        return False
    return wanted.stage is None or bool(state.holders(wanted.stage))


def _summary(one: PastArtifact, state: ArtifactState) -> ArtifactSummary:
    facts = artifact_facts(state)
    holders = {stage: state.holders(stage)[0].name for stage in state.stage_names()}
    return ArtifactSummary(
        repo=one.repo,
        artifact=one.artifact,
        latest=facts.latest if facts else None,
        stages=holders,
        versions=facts.versions if facts else 0,
        type=one.type,
        path=one.path,
        description=one.description,
        labels=one.labels,
        is_registered=True,
        is_deprecated=not state.is_active,
        updated_at=_moment(facts.updated_at) if facts else None,
        latest_at=_moment(facts.latest_at) if facts else None,
    )


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _foreign_cursor() -> InvalidInput:
    return InvalidInput("This cursor belongs to another list; start again without it.", code="invalid_cursor")
