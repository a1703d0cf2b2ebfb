"""Promotion requests and verdicts of checks, as values, and what the message of a promotion's tag says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from modelkeep.domain.errors import InvalidInput

_Enum = TypeVar("_Enum", bound=StrEnum)

_STOP = re.compile(r"^(?=---|.{1,20} -{24} >8 -{24})", re.MULTILINE)
"""Where ``git interpret-trailers`` takes a message to end: a divider of a patch, scissors behind a comment's mark."""


class RequestState(StrEnum):
    """Where a request is. ``open`` and ``approved`` can still become another; the rest are ends."""

    OPEN = "open"
    APPROVED = "approved"
    COMPLETED = "completed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"

    @property
    def is_live(self) -> bool:
        """Whether it can still lead to a promotion."""
        return self in (RequestState.OPEN, RequestState.APPROVED)

    @classmethod
    def parse(cls, text: str) -> RequestState:
        """Reads a state.

        Raises:
            InvalidInput: There is no such state.
        """
        return _parsed(cls, text, "a state of a promotion request")


class ReviewVerdict(StrEnum):
    """What a reviewer says."""

    APPROVE = "approve"
    REJECT = "reject"


class CheckVerdict(StrEnum):
    """What a check says."""

    PASSED = "passed"
    FAILED = "failed"
    PENDING = "pending"

    @classmethod
    def parse(cls, text: str) -> CheckVerdict:
        """Reads a verdict.

        Raises:
            InvalidInput: There is no such verdict.
        """
        return _parsed(cls, text, "a verdict")


@dataclass(frozen=True, slots=True)
class Review:
    """The last word of one reviewer."""

    user_id: int
    username: str
    verdict: ReviewVerdict
    comment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """A request to promote a version.

    Attributes:
        id: Its number within the hub.
        repo_id: Which repo.
        repo: Its name as it is now.
        number: Its number within the repo.
        artifact: Which artifact.
        version: Which version.
        commit: Where that was registered when this was proposed.
        stage: Which stage.
        state: Where it is.
        proposer_id: Who proposed it; None where the account is gone.
        proposer: The name of that user then.
        message: Why.
        policy_digest: Of the policy then; None without one.
        previous: The version that held the stage then.
        created_at: When it was proposed.
        closed_at: When it came to its end.
        tag: The tag that it led to.
        reason: Why it was withdrawn.
        reviews: Oldest first, one for each reviewer.
    """

    id: int
    repo_id: str
    repo: str
    number: int
    artifact: str
    version: str
    commit: str
    stage: str
    state: RequestState
    proposer_id: int | None
    proposer: str
    message: str
    policy_digest: str | None
    previous: str | None
    created_at: datetime
    closed_at: datetime | None = None
    tag: str | None = None
    reason: str | None = None
    reviews: tuple[Review, ...] = ()

    @property
    def approved_by(self) -> tuple[Review, ...]:
        """The reviews that approve, without the proposer's own; whether each counts, the policy says."""
        return tuple(
            review
            for review in self.reviews
            if review.verdict is ReviewVerdict.APPROVE and review.user_id != self.proposer_id
        )


@dataclass(frozen=True, slots=True)
class VersionCheck:
    """A verdict about a version that somebody recorded."""

    artifact: str
    commit: str
    name: str
    verdict: CheckVerdict
    summary: str
    url: str | None
    user_id: int | None
    username: str
    at: datetime


def message_of_promotion(
    message: str,
    *,
    version: str,
    previous: str | None,
    digest: str | None,
    proposer: str | None = None,
    approvers: Iterable[str] = (),
    trailers: Sequence[tuple[str, str]] = (),
) -> str:
    """Ends the message of an assignment's tag with what stood behind it, as trailers in a paragraph of their own.

    Whatever the message itself ends with, Git reads only the last paragraph as trailers: nobody can write an approval
    into a message. Lines at which Git stops reading (``---`` and scissors) are moved in by a space.
    """
    lines = [*trailers, ("Version", version)]
    if previous is not None:
        lines.append(("Previous", previous))
    if proposer is not None:
        lines.append(("Proposed-By", proposer))
    lines += [("Approved-By", name) for name in approvers]
    if digest is not None:
        lines.append(("Policy-Digest", digest))
    text = _STOP.sub(r" \g<0>", message.rstrip())
    return text + "\n\n" + "\n".join(f"{name}: {value}" for name, value in lines)


def _parsed(kind: type[_Enum], text: str, what: str) -> _Enum:
    try:
        return kind(text.strip().lower())
    except ValueError:
        known = ", ".join(kind)
        raise InvalidInput(
            f"{text[:40]!r} is not {what}; choose one of {known}.", code="invalid_choice"
        ) from None
