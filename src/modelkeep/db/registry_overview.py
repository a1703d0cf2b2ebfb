"""All artifacts that an actor may see, across repos, each with its latest version and its stages."""

from __future__ import annotations

from sqlalchemy import and_, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from modelkeep.db.keyset import one_page
from modelkeep.db.reading import readable_condition
from modelkeep.db.tables import Artifacts, Namespaces, Repos, StageHolders, Versions
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.names import fold
from modelkeep.domain.paging import Page, PageRequest, page_of
from modelkeep.domain.registry import ArtifactSummary

_COUNTED = aliased(Versions)
_ACTIVE_VERSIONS = (
    select(func.count())
    .select_from(_COUNTED)
    .where(_COUNTED.repo_id == Artifacts.repo_id, _COUNTED.artifact == Artifacts.artifact, _COUNTED.is_active)
    .correlate(Artifacts)
    .scalar_subquery()
)


def overview(
    tx: Transaction,
    actor: Actor,
    page: PageRequest,
    *,
    repo_id: str | None = None,
    namespace: str | None = None,
    query: str | None = None,
) -> Page[ArtifactSummary]:
    """Artifacts of the repos that ``actor`` may read, by repo and name.

    Args:
        tx: The transaction.
        actor: Who asks.
        page: Which page.
        repo_id: Only those of this repo.
        namespace: Only those of this user's or organisation's repos.
        query: Only those with this in the repo's full name or their own, without case.

    Raises:
        InvalidInput: The cursor belongs to another list.
    """
    statement = (
        select(
            Artifacts.repo_id,
            Artifacts.artifact,
            Namespaces.name.label("namespace"),
            Namespaces.name_folded.label("namespace_folded"),
            Repos.name,
            Repos.name_folded,
            Versions.version,
            _ACTIVE_VERSIONS.label("versions"),
        )
        .join(Repos, Repos.id == Artifacts.repo_id)
        .join(Namespaces, Namespaces.id == Repos.namespace_id)
        .outerjoin(
            Versions,
            and_(
                Versions.repo_id == Artifacts.repo_id,
                Versions.artifact == Artifacts.artifact,
                Versions.is_latest,
            ),
        )
        .where(readable_condition(actor))
    )
    if repo_id is not None:
        statement = statement.where(Artifacts.repo_id == repo_id)
    if namespace is not None:
        statement = statement.where(Namespaces.name_folded == fold(namespace))
    if query:
        full_name = Namespaces.name_folded + "/" + Repos.name_folded
        sought = fold(query)
        statement = statement.where(
            or_(
                full_name.contains(sought, autoescape=True),
                Artifacts.artifact.icontains(sought, autoescape=True),
            )
        )
    columns = [Namespaces.name_folded, Repos.name_folded, Artifacts.repo_id, Artifacts.artifact]
    rows = tx.execute(one_page(statement, columns, page)).all()
    stages = _stages(tx, [(row.repo_id, row.artifact) for row in rows])
    return page_of(
        [
            (
                (row.namespace_folded, row.name_folded, row.repo_id, row.artifact),
                ArtifactSummary(
                    f"{row.namespace}/{row.name}",
                    row.artifact,
                    row.version,
                    stages.get((row.repo_id, row.artifact), {}),
                    row.versions,
                ),
            )
            for row in rows
        ],
        page.limit,
    )


def _stages(tx: Transaction, artifacts: list[tuple[str, str]]) -> dict[tuple[str, str], dict[str, str]]:
    """For each artifact what holds each stage: a version, or a commit where none is registered there."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    if not artifacts:
        return found
    rows = tx.execute(
        select(
            StageHolders.repo_id,
            StageHolders.artifact,
            StageHolders.stage,
            StageHolders.version,
            StageHolders.commit_id,
        )
        .where(tuple_(StageHolders.repo_id, StageHolders.artifact).in_(artifacts))
        .order_by(StageHolders.stage)
    )
    for row in rows:
        found.setdefault((row.repo_id, row.artifact), {})[row.stage] = row.version or row.commit_id
    return found
