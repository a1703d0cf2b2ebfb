"""Rows of ``repos`` as values: the columns that make a repo, and how."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Select, func, select

from modelkeep.db.tables import Namespaces, RepoLabels, Repos
from modelkeep.domain.access import Visibility
from modelkeep.domain.gating import Gating
from modelkeep.domain.repos import Repo, RepoKind

_LABELS = (
    select(func.aggregate_strings(RepoLabels.label, " "))
    .where(RepoLabels.repo_id == Repos.id)
    .correlate(Repos)
    .scalar_subquery()
)


def repo_columns() -> Select[*tuple[Any, ...]]:
    """A query for whole repos, labels included; further columns may be added to it."""
    return select(
        Repos.id,
        Repos.namespace_id,
        Namespaces.name.label("namespace"),
        Repos.name,
        Repos.kind,
        Repos.description,
        Repos.visibility,
        Repos.default_branch,
        Repos.pristine_commit,
        Repos.strict_tags,
        Repos.gated,
        Repos.created_at,
        Repos.updated_at,
        Repos.deleted_at,
        _LABELS.label("labels"),
    ).join(Namespaces, Namespaces.id == Repos.namespace_id)


def repo_of(row: Row[*tuple[Any, ...]]) -> Repo:
    """A repo from a row of :func:`repo_columns`."""
    return Repo(
        id=row.id,
        namespace_id=row.namespace_id,
        namespace=row.namespace,
        name=row.name,
        kind=RepoKind(row.kind),
        description=row.description,
        visibility=Visibility(row.visibility),
        default_branch=row.default_branch,
        labels=tuple(sorted((row.labels or "").split())),
        pristine_commit=row.pristine_commit,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
        strict_tags=row.strict_tags,
        gated=Gating(row.gated) if row.gated else None,
    )
