"""What all shapes share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

T = TypeVar("T")

RoleLabel = Literal["reader", "contributor", "maintainer", "owner"]

MOST_MEMBERS = 1000


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:  # the first or last day that a date can have
        return value.replace(tzinfo=UTC)


def _text_only(value: object) -> object:
    if value is not None and not isinstance(value, str):
        raise ValueError("write a time as text, such as 2030-01-31T12:00:00Z")
    return value


Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""A time in an answer: UTC, RFC 3339."""

SentMoment = Annotated[AwareDatetime, BeforeValidator(_text_only)]
"""A time in a request: RFC 3339 with an offset."""

SentName = Annotated[str, StringConstraints(min_length=1, max_length=500)]
"""A name in a request; its own grammar is checked by whoever knows it."""

SentMessage = Annotated[str, StringConstraints(max_length=100_000)]


class Sent(BaseModel):
    """A request's body: a field that does not exist is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(frozen=True)


class Listing(Answer, Generic[T]):
    """A page of a list."""

    items: list[T]
    next_cursor: str | None = Field(None, description="Where the next page starts; null on the last one.")


class Problem(Answer):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = Field(description="What was wrong, where, and what to do next.")
    code: str = Field(description="A stable name of the reason.")
    kind: str | None = Field(description="The kind of error that the reason belongs to, such as `conflict`.")
    request_id: str | None = Field(description="The id of the request in the hub's log.")
    fields: dict[str, object] = Field(description="Details for programs.")
