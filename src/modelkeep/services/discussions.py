"""Discussions of a repo: what people say about it and about its pull requests.

Whoever may read the content takes part; who opened a discussion, and those who may write to the repo, close and
rename it. A comment is its author's; who may write to the repo can hide it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from modelkeep.db import discussions
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.discussions import (
    Discussion,
    DiscussionEvent,
    DiscussionEventKind,
    DiscussionStatus,
    Edit,
    check_comment,
    check_title,
)
from modelkeep.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted, TooLarge
from modelkeep.domain.repos import Repo
from modelkeep.services.access import RepoAccess, find_repo
from modelkeep.services.audit import record
from modelkeep.services.ports import Stores
from modelkeep.services.pull_requests import PullRequests, PullRequestState, next_number, say
from modelkeep.services.writes import Writes

PAGE = 50
MOST_EVENTS = 5_000
_LAST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class DiscussionView:
    """A discussion with all that was said; ``pull_request`` is there for one with commits."""

    repo: Repo
    discussion: Discussion
    events: tuple[DiscussionEvent, ...]
    pull_request: PullRequestState | None


@dataclass(frozen=True, slots=True)
class DiscussionPage:
    """Some discussions of a repo: from the one after the first ``start``, of ``count`` in all."""

    repo: Repo
    items: tuple[Discussion, ...]
    start: int
    count: int


class Discussions:
    """The discussions of repos."""

    def __init__(self, stores: Stores, writes: Writes, pull_requests: PullRequests) -> None:
        self._stores = stores
        self._writes = writes
        self._pull_requests = pull_requests

    def create(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        *,
        title: str,
        description: str = "",
        is_pull_request: bool = False,
    ) -> int:
        """Opens a discussion, or a pull request (a draft, for its default branch); gives its number.

        Raises:
            Unauthenticated: Nobody is signed in.
            InvalidInput: A title or description that cannot be.
        """
        if is_pull_request:
            return self._pull_requests.open(
                actor, namespace, name, title=title, description=description, is_draft=True
            ).number
        title, description = check_title(title), check_comment(description, may_be_empty=True)
        with self._stores.database.read() as tx:
            access = _take_part(tx, actor, namespace, name)
        with self._writes.locked(access.repo.id) as git_dir, self._stores.database.write() as tx:
            number = next_number(tx, access.repo.id, git_dir)
            made = discussions.add_discussion(
                tx,
                repo_id=access.repo.id,
                number=number,
                title=title,
                status=DiscussionStatus.OPEN,
                author_id=actor.user_id,
                author=actor.username,
                target=None,
                base_commit=None,
                now=self._stores.now(),
            )
            if description:
                say(tx, made, DiscussionEventKind.COMMENT, actor, description, self._stores)
            record(tx, actor, "discussion.open", f"{access.repo.full_name} {number}", repo=access.repo)
        return number

    def list(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        *,
        is_pull_request: bool | None = None,
        is_live: bool | None = None,
        author: str | None = None,
        page: int = 0,
    ) -> DiscussionPage:
        """Discussions and pull requests, the newest first, 50 at a time.

        Raises:
            NotPermitted: The repo is gated, and the actor was not let in.
        """
        if not 0 <= page <= _LAST_PAGE:
            raise InvalidInput("There is no such page.", code="invalid_page")
        with self._stores.database.read() as tx:
            access = _read(tx, actor, namespace, name)
            found, count = discussions.list_discussions(
                tx,
                access.repo.id,
                is_pull_request=is_pull_request,
                is_live=is_live,
                author=author,
                start=page * PAGE,
                limit=PAGE,
            )
        return DiscussionPage(access.repo, tuple(found), page * PAGE, count)

    def get(
        self, actor: Actor, namespace: str, name: str, number: int, *, with_diff: bool = False
    ) -> DiscussionView:
        """A discussion with all that was said and, for a pull request, what Git says of it.

        Raises:
            NotFound: There is none of this number.
        """
        with self._stores.database.read() as tx:
            access = _read(tx, actor, namespace, name)
            found = _required(tx, access, number)
            events = discussions.events_of(tx, found.id)
        state = (
            self._pull_requests.state(access, found, with_diff=with_diff) if found.is_pull_request else None
        )
        return DiscussionView(access.repo, found, tuple(events), state)

    def comment(self, actor: Actor, namespace: str, name: str, number: int, text: str) -> DiscussionEvent:
        """Says something.

        Raises:
            InvalidInput: Nothing, or too much at once.
            TooLarge: Too much was said already.
        """
        comment = check_comment(text)
        with self._changing(actor, namespace, name, number) as (tx, _, found):
            return self._added(tx, found, DiscussionEventKind.COMMENT, actor, comment)

    def edit_comment(
        self, actor: Actor, namespace: str, name: str, number: int, comment_id: int, text: str
    ) -> DiscussionEvent:
        """Rewords one's own comment.

        Raises:
            NotFound: There is no such comment.
            NotPermitted: It is somebody else's.
            Conflict: It was hidden.
        """
        comment = check_comment(text)
        with self._changing(actor, namespace, name, number) as (tx, _, found):
            event = _comment(tx, found, comment_id)
            if event.user_id is None or event.user_id != actor.user_id:
                raise NotPermitted("Only who wrote a comment rewords it.", code="not_your_comment")
            if event.is_hidden:
                raise Conflict("This comment was hidden; write a new one.", code="comment_hidden")
            edit = Edit(actor.username, self._stores.now())
            discussions.reword(tx, event, comment, edit, is_hidden=False)
            return _comment(tx, found, comment_id)

    def hide_comment(
        self, actor: Actor, namespace: str, name: str, number: int, comment_id: int
    ) -> DiscussionEvent:
        """Takes the text of a comment away for good: one's own, or anybody's for who may write to the repo.

        Raises:
            NotFound: There is no such comment.
            NotPermitted: It is somebody else's, and the actor may not write to the repo.
        """
        with self._changing(actor, namespace, name, number) as (tx, access, found):
            event = _comment(tx, found, comment_id)
            if event.user_id is None or event.user_id != actor.user_id:
                access.require(Action.WRITE)
            edit = Edit(actor.username, self._stores.now())
            discussions.reword(tx, event, "", edit, is_hidden=True)
            record(tx, actor, "comment.hide", f"{access.repo.full_name} {number}", repo=access.repo)
            return _comment(tx, found, comment_id)

    def set_status(
        self, actor: Actor, namespace: str, name: str, number: int, status: str, comment: str = ""
    ) -> DiscussionEvent:
        """Closes a discussion, or opens it (again; a draft too).

        Raises:
            InvalidInput: ``status`` is neither ``open`` nor ``closed``.
            NotPermitted: It is somebody else's, and the actor may not write to the repo.
            Conflict: It is merged, or is so already.
        """
        if status not in (DiscussionStatus.OPEN, DiscussionStatus.CLOSED):
            raise InvalidInput("A status is 'open' or 'closed'.", code="invalid_status")
        remark = check_comment(comment, may_be_empty=True)
        with self._changing(actor, namespace, name, number, is_own=True) as (tx, access, found):
            if found.status is DiscussionStatus.MERGED or found.status == status:
                raise Conflict(f"{number} is {found.status} already.", code="status_unchanged")
            if remark:
                self._added(tx, found, DiscussionEventKind.COMMENT, actor, remark)
            discussions.change_discussion(tx, found.id, status=str(DiscussionStatus(status)))
            record(
                tx,
                actor,
                "discussion.status",
                f"{access.repo.full_name} {number}",
                repo=access.repo,
                to=status,
            )
            return self._added(tx, found, DiscussionEventKind.STATUS, actor, status)

    def rename(self, actor: Actor, namespace: str, name: str, number: int, title: str) -> DiscussionEvent:
        """Gives a discussion another title.

        Raises:
            InvalidInput: A title that cannot be.
            NotPermitted: It is somebody else's, and the actor may not write to the repo.
        """
        title = check_title(title)
        with self._changing(actor, namespace, name, number, is_own=True) as (tx, _, found):
            discussions.change_discussion(tx, found.id, title=title)
            return self._added(tx, found, DiscussionEventKind.TITLE, actor, title, before=found.title)

    def _added(
        self,
        tx: Transaction,
        found: Discussion,
        kind: DiscussionEventKind,
        actor: Actor,
        content: str,
        before: str | None = None,
    ) -> DiscussionEvent:
        if discussions.count_events(tx, found.id) >= MOST_EVENTS:
            raise TooLarge(
                f"More than {MOST_EVENTS} things were said here; open a new one.", code="discussion_full"
            )
        return discussions.add_event(
            tx,
            found.id,
            kind,
            user_id=actor.user_id,
            username=actor.username,
            content=content,
            before=before,
            now=self._stores.now(),
        )

    @contextmanager
    def _changing(
        self, actor: Actor, namespace: str, name: str, number: int, *, is_own: bool = False
    ) -> Iterator[tuple[Transaction, RepoAccess, Discussion]]:
        with self._stores.database.write() as tx:
            access = _take_part(tx, actor, namespace, name)
            found = _required(tx, access, number)
            if is_own and (found.author_id is None or found.author_id != actor.user_id):
                access.require(Action.WRITE)
            yield tx, access, found


def _read(tx: Transaction, actor: Actor, namespace: str, name: str) -> RepoAccess:
    access = find_repo(tx, actor, namespace, name)
    access.require_content()
    return access


def _take_part(tx: Transaction, actor: Actor, namespace: str, name: str) -> RepoAccess:
    access = find_repo(tx, actor, namespace, name, Action.PROPOSE)
    access.require_content()
    return access


def _required(tx: Transaction, access: RepoAccess, number: int) -> Discussion:
    found = discussions.discussion_of(tx, access.repo.id, number)
    if found is None:
        raise NotFound(
            f"There is no discussion {number} in {access.repo.full_name}.", code="discussion_not_found"
        )
    return found


def _comment(tx: Transaction, found: Discussion, comment_id: int) -> DiscussionEvent:
    event = discussions.event_of(tx, found.id, comment_id)
    if event is None or event.kind is not DiscussionEventKind.COMMENT:
        raise NotFound("There is no such comment here.", code="comment_not_found")
    return event
