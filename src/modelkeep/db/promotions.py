"""Promotion requests and their reviews."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, select, update

from modelkeep.db.batches import batches
from modelkeep.db.keyset import one_page
from modelkeep.db.reading import readable_condition
from modelkeep.db.storable import storable
from modelkeep.db.tables import Namespaces, PromotionRequests, PromotionReviews, Repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.errors import AlreadyExists
from modelkeep.domain.paging import Page, PageRequest, page_of
from modelkeep.domain.promotions import PromotionRequest, RequestState, Review, ReviewVerdict


def add_request(
    tx: Transaction,
    *,
    repo_id: str,
    artifact: str,
    version: str,
    commit: str,
    stage: str,
    proposer_id: int,
    proposer: str,
    message: str,
    policy_digest: str | None,
    previous: str | None,
    now: datetime,
) -> int:
    """Adds an open request and gives its number within the repo. The caller holds the repo's lock.

    Raises:
        AlreadyExists: The same is requested already.
    """
    number = 1 + (
        tx.scalar(select(func.max(PromotionRequests.number)).where(PromotionRequests.repo_id == repo_id)) or 0
    )
    taken = AlreadyExists(
        f"A promotion of {version} of '{artifact}' to '{stage}' is requested already.", code="request_exists"
    )
    with tx.unique(taken):
        tx.execute(
            insert(PromotionRequests).values(
                repo_id=repo_id,
                number=number,
                artifact=artifact,
                version=version,
                commit_id=commit,
                stage=stage,
                state=str(RequestState.OPEN),
                proposer_id=proposer_id,
                proposer=proposer,
                message=storable(message),
                policy_digest=policy_digest,
                previous=previous,
                created_at=now,
            )
        )
    return int(number)


def request_of(tx: Transaction, repo_id: str, number: int) -> PromotionRequest | None:
    """A request by its number within the repo."""
    found = _read(
        tx, _requests().where(PromotionRequests.repo_id == repo_id, PromotionRequests.number == number)
    )
    return found[0] if found else None


def live_requests(
    tx: Transaction, repo_id: str, artifact: str | None = None, stage: str | None = None
) -> list[PromotionRequest]:
    """The requests of a repo that can still lead to a promotion, oldest first."""
    statement = _requests().where(PromotionRequests.repo_id == repo_id, PromotionRequests.closed_at.is_(None))
    if artifact is not None:
        statement = statement.where(PromotionRequests.artifact == artifact)
    if stage is not None:
        statement = statement.where(PromotionRequests.stage == stage)
    return _read(tx, statement.order_by(PromotionRequests.id))


def repos_with_live_requests(tx: Transaction, namespace_id: int) -> list[str]:
    """The ids of a namespace's repos that have such requests."""
    rows = tx.execute(
        select(PromotionRequests.repo_id)
        .join(Repos, Repos.id == PromotionRequests.repo_id)
        .where(PromotionRequests.closed_at.is_(None), Repos.namespace_id == namespace_id)
        .distinct()
    )
    return [row.repo_id for row in rows]


def list_requests(
    tx: Transaction,
    actor: Actor,
    page: PageRequest,
    *,
    repo_id: str | None = None,
    states: Sequence[RequestState] = (),
    artifact: str | None = None,
    stage: str | None = None,
    proposer_id: int | None = None,
    not_proposer_id: int | None = None,
) -> Page[PromotionRequest]:
    """Requests in repos that ``actor`` may read, the newest first.

    Args:
        tx: The transaction.
        actor: Who asks.
        page: Which page.
        repo_id: Only of this repo.
        states: Only in one of these states.
        artifact: Only of this artifact.
        stage: Only for this stage.
        proposer_id: Only those that this user proposed.
        not_proposer_id: Without those that this user proposed.

    Raises:
        InvalidInput: The cursor belongs to another list.
    """
    statement = _requests().where(readable_condition(actor))
    if repo_id is not None:
        statement = statement.where(PromotionRequests.repo_id == repo_id)
    if states:
        statement = statement.where(PromotionRequests.state.in_([str(state) for state in states]))
    if artifact is not None:
        statement = statement.where(PromotionRequests.artifact == artifact)
    if stage is not None:
        statement = statement.where(PromotionRequests.stage == stage)
    if proposer_id is not None:
        statement = statement.where(PromotionRequests.proposer_id == proposer_id)
    if not_proposer_id is not None:
        statement = statement.where(PromotionRequests.proposer_id.is_distinct_from(not_proposer_id))
    found = _read(tx, one_page(statement, [PromotionRequests.id], page, is_descending=True))
    return page_of([((request.id,), request) for request in found], page.limit)


def set_review(
    tx: Transaction,
    request_id: int,
    user_id: int,
    username: str,
    verdict: ReviewVerdict,
    comment: str,
    now: datetime,
) -> None:
    """Records the word of a reviewer, in place of an earlier one.

    Raises:
        Conflict: There is no such request or user.
    """
    values = {"username": username, "verdict": str(verdict), "comment": storable(comment), "at": now}
    statement = tx.insert(PromotionReviews).values(request_id=request_id, user_id=user_id, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["request_id", "user_id"], set_=values))


def set_state(
    tx: Transaction,
    request_id: int,
    state: RequestState,
    now: datetime,
    *,
    tag: str | None = None,
    reason: str | None = None,
) -> None:
    """Moves a request that is live to another state, with the tag that it led to or the reason of its end."""
    closed_at = None if state.is_live else now
    tx.execute(
        update(PromotionRequests)
        .where(PromotionRequests.id == request_id, PromotionRequests.closed_at.is_(None))
        .values(state=str(state), closed_at=closed_at, tag=tag, reason=reason)
    )


def _requests() -> Select[*tuple[Any, ...]]:
    table = PromotionRequests
    return (
        select(
            table.id,
            table.repo_id,
            Namespaces.name.label("namespace"),
            Repos.name.label("repo_name"),
            table.number,
            table.artifact,
            table.version,
            table.commit_id,
            table.stage,
            table.state,
            table.proposer_id,
            table.proposer,
            table.message,
            table.policy_digest,
            table.previous,
            table.created_at,
            table.closed_at,
            table.tag,
            table.reason,
        )
        .join(Repos, Repos.id == table.repo_id)
        .join(Namespaces, Namespaces.id == Repos.namespace_id)
    )


def _read(tx: Transaction, statement: Select[*tuple[Any, ...]]) -> list[PromotionRequest]:
    rows = list(tx.execute(statement))
    reviews: dict[int, list[Review]] = {}
    for some in batches([row.id for row in rows]):
        found = tx.execute(
            select(PromotionReviews)
            .with_only_columns(*PromotionReviews.__table__.c)
            .where(PromotionReviews.request_id.in_(some))
            .order_by(PromotionReviews.at, PromotionReviews.user_id)
        )
        for row in found:
            review = Review(row.user_id, row.username, ReviewVerdict(row.verdict), row.comment, row.at)
            reviews.setdefault(row.request_id, []).append(review)
    return [_request_of(row, tuple(reviews.get(row.id, ()))) for row in rows]


def _request_of(row: Row[*tuple[Any, ...]], reviews: tuple[Review, ...]) -> PromotionRequest:
    return PromotionRequest(
        id=row.id,
        repo_id=row.repo_id,
        repo=f"{row.namespace}/{row.repo_name}",
        number=row.number,
        artifact=row.artifact,
        version=row.version,
        commit=row.commit_id,
        stage=row.stage,
        state=RequestState(row.state),
        proposer_id=row.proposer_id,
        proposer=row.proposer,
        message=row.message,
        policy_digest=row.policy_digest,
        previous=row.previous,
        created_at=row.created_at,
        closed_at=row.closed_at,
        tag=row.tag,
        reason=row.reason,
        reviews=reviews,
    )
