"""Discussions and pull requests, as values. A pull request is a discussion with commits under ``refs/pr/NUMBER``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from modelkeep.domain.errors import InvalidInput

PULL_REQUESTS = "refs/pr/"
"""Where the commits of pull requests are."""

SHORTEST_TITLE, LONGEST_TITLE = 3, 200
LONGEST_COMMENT = 65_536

_REF = re.compile(r"refs/pr/([1-9][0-9]{0,8})", re.ASCII)


def ref_of(number: int) -> str:
    """The ref of a pull request: ``refs/pr/3``."""
    return f"{PULL_REQUESTS}{number}"


def number_of(ref: str) -> int | None:
    """The number of the pull request whose ref this is; None for any other ref."""
    match = _REF.fullmatch(ref)
    return int(match[1]) if match else None


class DiscussionStatus(StrEnum):
    """Where a discussion is. Only pull requests are drafts or merged."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"

    @property
    def is_live(self) -> bool:
        """Whether there is something to be done: commits are taken."""
        return self in (DiscussionStatus.DRAFT, DiscussionStatus.OPEN)


class DiscussionEventKind(StrEnum):
    """What happened in a discussion."""

    COMMENT = "comment"
    STATUS = "status-change"
    TITLE = "title-change"


@dataclass(frozen=True, slots=True)
class Discussion:
    """A discussion, or a pull request.

    Attributes:
        id: Within the hub.
        number: Within the repo.
        title: What it is called.
        status: Where it is.
        is_pull_request: Whether it has commits.
        author_id: None once that user is gone.
        author: The name of who opened it.
        target: The branch that a pull request is for; None for other discussions.
        base_commit: Where ``target`` was when it was opened.
        merge_commit: What ``target`` was moved to when it was merged.
        created_at: When it was opened.
    """

    id: int
    number: int
    title: str
    status: DiscussionStatus
    is_pull_request: bool
    author_id: int | None
    author: str
    target: str | None
    base_commit: str | None
    merge_commit: str | None
    created_at: datetime

    @property
    def ref(self) -> str:
        """Where the commits of a pull request are."""
        return ref_of(self.number)


@dataclass(frozen=True, slots=True)
class Edit:
    """That a comment was reworded or hidden: by whom, when."""

    username: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DiscussionEvent:
    """Something that was said or done.

    Attributes:
        id: Within the hub.
        kind: What.
        user_id: Of who did it; None once that user is gone.
        username: Their name.
        at: When.
        content: The comment, the status or the new title.
        before: The old title.
        edits: Each time that a comment was reworded or hidden, oldest first.
        is_hidden: Whether a comment's text was taken away.
    """

    id: int
    kind: DiscussionEventKind
    user_id: int | None
    username: str
    at: datetime
    content: str
    before: str | None = None
    edits: tuple[Edit, ...] = ()
    is_hidden: bool = False


def check_title(text: str) -> str:
    """A title without blanks around it.

    Raises:
        InvalidInput: It is too short or too long, or has several lines.
    """
    title = text.strip()
    if not SHORTEST_TITLE <= len(title) <= LONGEST_TITLE or not title.isprintable():
        raise InvalidInput(
            f"A title is one line of {SHORTEST_TITLE} to {LONGEST_TITLE} characters.", code="invalid_title"
        )
    return title


def check_comment(text: str, *, may_be_empty: bool = False) -> str:
    """A comment without blanks around it.

    Raises:
        InvalidInput: It is empty, or too long.
    """
    comment = text.strip()
    if len(comment) > LONGEST_COMMENT or not (comment or may_be_empty):
        raise InvalidInput(f"A comment has 1 to {LONGEST_COMMENT} characters.", code="invalid_comment")
    return comment
