"""Who may bring something to a repo without being one of its writers: the authors of pull requests."""

from __future__ import annotations

from datetime import datetime

from modelkeep.db import discussions
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action
from modelkeep.domain.discussions import Discussion, ref_of
from modelkeep.domain.errors import Conflict, NotFound, NotPermitted
from modelkeep.services.access import RepoAccess


def require_commits(tx: Transaction, access: RepoAccess, number: int) -> Discussion:
    """Lets commits go to a pull request: its author's, and those of whoever may write to the repo.

    Raises:
        Unauthenticated: Nobody is signed in.
        NotFound: There is no such pull request.
        NotPermitted: It is somebody else's, or the repo is gated and the actor was not let in.
        Conflict: It is closed or merged.
    """
    found = discussions.discussion_of(tx, access.repo.id, number)
    if found is None or not found.is_pull_request:
        raise NotFound(
            f"There is no pull request {number} in {access.repo.full_name}.", code="revision_not_found"
        )
    access.require(Action.PROPOSE)
    access.require_content()
    is_own = found.author_id is not None and found.author_id == access.actor.user_id
    if not is_own and not access.may(Action.WRITE):
        raise NotPermitted(
            f"{ref_of(number)} is {found.author}'s pull request: only they and those who may write to "
            f"{access.repo.full_name} push to it. Open one of your own.",
            code="not_your_pull_request",
        )
    if not found.status.is_live:
        raise Conflict(
            f"The pull request {number} is {found.status}: it takes no more commits.",
            code="pull_request_ended",
        )
    return found


def is_proposer(tx: Transaction, access: RepoAccess, now: datetime) -> bool:
    """Whether the actor may send objects for a pull request: has one that takes commits, or announced one."""
    user_id = access.actor.user_id
    if user_id is None or not access.may(Action.PROPOSE) or not access.may_read_content:
        return False
    repo_id = access.repo.id
    return discussions.has_live_pull_request(tx, repo_id, user_id) or discussions.is_announced(
        tx, repo_id, user_id, now
    )


def require_upload(tx: Transaction, access: RepoAccess, now: datetime) -> None:
    """Lets objects be sent: by whoever may write to the repo, and for a pull request.

    Raises:
        Unauthenticated: Nobody is signed in.
        NotPermitted: Neither applies.
    """
    if not access.may(Action.WRITE) and not is_proposer(tx, access, now):
        access.require(Action.WRITE)
