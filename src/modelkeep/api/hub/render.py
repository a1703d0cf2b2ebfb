"""Values as this room writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from modelkeep.domain.repos import Repo, RepoKind


def date_text(moment: datetime) -> str:
    """A time, such as ``2024-01-01T00:00:00.000Z``; old clients parse no other form."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def page_path(repo: Repo) -> str:
    """The path of a repo's page: ``/acme/churn``, of a dataset ``/datasets/acme/churn``."""
    place = "/datasets" if repo.kind is RepoKind.DATASET else ""
    return f"{place}/{quote(repo.namespace)}/{quote(repo.name)}"
