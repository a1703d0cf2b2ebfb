"""What an artifact's tags fold to, brought up to date after a few of them changed, without reading the others.

A change of some events can only touch: the versions that these name; the stages that they, or other events at the
commits of the registrations among them, speak about; which version is latest. Of a stage only the last assignments
count, back to the first whose version is in it; so they are read from the newest on. The result is what folding all
events gives, which a property test holds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    update,
)

from modelkeep.db.artifact_rows import set_facts
from modelkeep.db.batches import BATCH, batches, load_rows
from modelkeep.db.registry_rows import (
    EVENT_COLUMNS,
    STAGE_COLUMNS,
    VERSION_COLUMNS,
    event_of_row,
    stage_values,
    version_values,
)
from modelkeep.db.tables import Artifacts, RegistryEvents, StageHolders, Versions
from modelkeep.db.transaction import Transaction
from modelkeep.domain.events import Event
from modelkeep.domain.history import ArtifactState, fold_artifact
from modelkeep.domain.registry import (
    ArtifactFacts,
    StageRow,
    VersionRow,
    artifact_facts,
    stage_rows,
    version_rows,
)

FEW = BATCH
"""Up to so many changed events are folded in by themselves; with more, all of the artifact's are read."""

_FIRST_LOOK = 20
_EVENTS = select(*(cast("Table", RegistryEvents.__table__).c[name] for name in EVENT_COLUMNS))
_OF_ARTIFACT = and_(
    RegistryEvents.repo_id == bindparam("sought_repo"),
    RegistryEvents.artifact == bindparam("sought_artifact"),
)


def refold(tx: Transaction, repo_id: str, artifact: str, touched: Sequence[Event]) -> None:
    """Brings versions, stages and facts of an artifact up to date after a change of its events.

    Args:
        tx: The transaction, in which the events have been replaced.
        repo_id: Which repo.
        artifact: Which artifact.
        touched: What the changed tags stood for before, and what they stand for now.
    """
    one = _Artifact(tx, repo_id, artifact)
    if len(touched) > FEW:
        one.fold_all()
        return
    versions = {event.version for event in touched if event.version is not None}
    stages = {event.stage for event in touched if event.stage is not None}
    stages |= one.stages_at({event.commit for event in touched if event.version is not None})
    growth = one.write_versions(sorted(versions))
    for stage in sorted(stages):
        one.write_stage(stage)
    one.write_facts(growth)


def version_events(
    tx: Transaction,
    repo_id: str,
    artifact: str,
    *,
    versions: Collection[str] = (),
    commits: Collection[str] = (),
) -> list[Event]:
    """The registrations and deregistrations of these versions, and those at these commits; in no order."""
    found: dict[str, Event] = {}
    sought = {"sought_repo": repo_id, "sought_artifact": artifact}
    for statement, values in ((_OF_VERSIONS, versions), (_AT_COMMITS, commits)):
        for some in batches(sorted(values)):
            for row in tx.execute(statement, {**sought, "values": list(some)}):
                event = event_of_row(row)
                found[event.tag] = event
    return list(found.values())


class _Artifact:
    """One artifact in the index."""

    def __init__(self, tx: Transaction, repo_id: str, artifact: str) -> None:
        self._tx = tx
        self._repo_id = repo_id
        self._name = artifact
        self._sought = {"sought_repo": repo_id, "sought_artifact": artifact}

    def fold_all(self) -> None:
        """Reads all events and writes everything anew."""
        state = fold_artifact(self._name, self._read(_EVENTS.where(_OF_ARTIFACT)))
        for statement in (_DELETE_VERSIONS, _DELETE_STAGES):
            self._tx.execute(statement, self._sought)
        self._load_versions(version_rows(state))
        self._load_stages(stage_rows(state))
        set_facts(self._tx, self._repo_id, self._name, artifact_facts(state))

    def stages_at(self, commits: Collection[str]) -> set[str]:
        """The stages that events at these commits speak about."""
        found: set[str] = set()
        for some in batches(sorted(commits)):
            rows = self._tx.execute(_STAGES_AT, {**self._sought, "values": list(some)})
            found.update(row.stage for row in rows)
        return found

    def write_versions(self, names: list[str]) -> int:
        """Writes the rows of these versions; gives how many more are active than before."""
        if not names:
            return 0
        sought = {**self._sought, "values": names}
        before = self._tx.execute(_ACTIVE_AMONG, sought).scalar_one()
        state = self._fold(version_events(self._tx, self._repo_id, self._name, versions=names))
        rows = version_rows(state)
        self._tx.execute(_DELETE_VERSIONS_AMONG, sought)
        # Which one is latest is said for all of them together, below.
        self._load_versions([row.as_latest(is_latest=False) for row in rows])
        latest = self._latest()
        for statement in (_UNMARK_LATEST, _MARK_LATEST):
            self._tx.execute(statement, {**self._sought, "latest": latest or ""})
        return sum(row.is_active for row in rows) - int(before)

    def write_stage(self, stage: str) -> None:
        """Writes who holds a stage."""
        self._tx.execute(_DELETE_STAGE, {**self._sought, "stage": stage})
        holder = self._holder(stage)
        if holder is not None:
            self._load_stages([holder])

    def write_facts(self, growth: int) -> None:
        """Writes what lists sort and filter by; ``growth`` is how many more versions are active than before."""
        last = self._tx.execute(_LAST_EVENT, self._sought).first()
        if last is None:
            set_facts(self._tx, self._repo_id, self._name, None)
            return
        known = self._tx.execute(_COUNT, self._sought).scalar() or 0
        latest = self._tx.execute(_LATEST_ROW, self._sought).first()
        facts = ArtifactFacts(
            artifact=self._name,
            is_active=self._is_active(),
            latest=latest.version if latest else None,
            latest_at=int(latest.registered_at.timestamp()) if latest else None,
            updated_at=last.at,
            versions=known + growth,
        )
        set_facts(self._tx, self._repo_id, self._name, facts)

    def _latest(self) -> str | None:
        """The greatest active version; of versions that differ only in build metadata the one registered last."""
        greatest = self._tx.execute(_GREATEST, self._sought).scalar()
        if greatest is None:
            return None
        equal = [row.version for row in self._tx.execute(_EQUAL, {**self._sought, "sort_key": greatest})]
        if len(equal) == 1:
            return str(equal[0])
        state = self._fold(version_events(self._tx, self._repo_id, self._name, versions=equal))
        return state.latest.name if state.latest else None

    def _holder(self, stage: str) -> StageRow | None:
        look = _FIRST_LOOK
        while True:
            recent = self._read(_RECENT, stage=stage, look=look + 1)
            is_all = len(recent) <= look
            # All events of the oldest second that was read may not be there: it does not count.
            certain = recent if is_all else [event for event in recent if event.at > recent[-1].at]
            commits = {event.commit for event in certain}
            known = version_events(self._tx, self._repo_id, self._name, commits=commits)
            state = self._fold([*certain, *known])
            if state.holders(stage) or is_all:
                break
            look *= 4
        held = [row for row in stage_rows(self._without_ties(state, stage)) if row.stage == stage]
        return held[0] if held else None

    def _without_ties(self, state: ArtifactState, stage: str) -> ArtifactState:
        """Bare commits of one second are in the order of all that was ever said about them."""
        holders = state.holders(stage)
        times = {
            version.commit: held.assigned_at
            for version in holders
            for held in version.stages
            if held.stage == stage
        }
        tied = [version for version in holders if times[version.commit] == times[holders[0].commit]]
        if len(tied) < 2 or all(version.is_registered for version in tied):
            return state
        commits = sorted({version.commit for version in tied})
        return self._fold(self._read(_ALL_AT, values=commits))

    def _is_active(self) -> bool:
        deprecated = self._tx.execute(_LAST_DEPRECATION, self._sought).scalar()
        if deprecated is None:
            return True
        other = self._tx.execute(_LAST_OTHER, self._sought).scalar()
        return other is not None and other >= deprecated

    def _fold(self, events: Sequence[Event]) -> ArtifactState:
        return fold_artifact(self._name, events)

    def _read(self, statement: Select[*tuple[Any, ...]], **sought: Any) -> list[Event]:
        return [event_of_row(row) for row in self._tx.execute(statement, {**self._sought, **sought})]

    def _load_versions(self, rows: Sequence[VersionRow]) -> None:
        load_rows(self._tx, Versions, VERSION_COLUMNS, [version_values(self._repo_id, row) for row in rows])

    def _load_stages(self, rows: Sequence[StageRow]) -> None:
        load_rows(self._tx, StageHolders, STAGE_COLUMNS, [stage_values(self._repo_id, row) for row in rows])


# Made once: every push of a tag runs these, and making a statement takes longer than running it.
_VALUES: BindParameter[Any] = bindparam("values", expanding=True)


def _of(table: type[Versions] | type[StageHolders] | type[Artifacts]) -> ColumnElement[bool]:
    return and_(table.repo_id == bindparam("sought_repo"), table.artifact == bindparam("sought_artifact"))


_IS_VERSION = RegistryEvents.version.is_not(None)
_OF_VERSIONS = _EVENTS.where(_OF_ARTIFACT, _IS_VERSION, RegistryEvents.version.in_(_VALUES))
_AT_COMMITS = _EVENTS.where(_OF_ARTIFACT, _IS_VERSION, RegistryEvents.commit_id.in_(_VALUES))
_ALL_AT = _EVENTS.where(_OF_ARTIFACT, RegistryEvents.commit_id.in_(_VALUES))
_STAGES_AT = (
    select(RegistryEvents.stage)
    .where(_OF_ARTIFACT, RegistryEvents.commit_id.in_(_VALUES), RegistryEvents.stage.is_not(None))
    .distinct()
)
_RECENT = (
    _EVENTS.where(_OF_ARTIFACT, RegistryEvents.stage == bindparam("stage"), RegistryEvents.stage.is_not(None))
    .order_by(RegistryEvents.at.desc(), RegistryEvents.tag.desc())
    .limit(bindparam("look"))
)
_LAST_EVENT = select(RegistryEvents.at).where(_OF_ARTIFACT).order_by(RegistryEvents.at.desc()).limit(1)
_LAST_DEPRECATION = _LAST_EVENT.where(RegistryEvents.kind == literal_column("'deprecation'"))
_LAST_OTHER = _LAST_EVENT.where(RegistryEvents.kind != "deprecation")
_ACTIVE_AMONG = (
    select(func.count())
    .select_from(Versions)
    .where(_of(Versions), Versions.version.in_(_VALUES), Versions.is_active)
)
_DELETE_VERSIONS = delete(Versions).where(_of(Versions))
_DELETE_VERSIONS_AMONG = _DELETE_VERSIONS.where(Versions.version.in_(_VALUES))
_DELETE_STAGES = delete(StageHolders).where(_of(StageHolders))
_DELETE_STAGE = _DELETE_STAGES.where(StageHolders.stage == bindparam("stage"))
_GREATEST = (
    select(Versions.sort_key)
    .where(_of(Versions), Versions.is_active)
    .order_by(Versions.sort_key.desc(), Versions.version.desc())
    .limit(1)
)
_EQUAL = select(Versions.version).where(
    _of(Versions), Versions.is_active, Versions.sort_key == bindparam("sort_key")
)
_LATEST_ROW = select(Versions.version, Versions.registered_at).where(_of(Versions), Versions.is_latest)
_UNMARK_LATEST = (
    update(Versions)
    .where(_of(Versions), Versions.is_latest, Versions.version != bindparam("latest"))
    .values(is_latest=False)
)
_MARK_LATEST = (
    update(Versions)
    .where(_of(Versions), Versions.version == bindparam("latest"), Versions.is_latest.is_(False))
    .values(is_latest=True)
)
_COUNT = select(Artifacts.versions).where(_of(Artifacts))
