"""The registry's events, and what follows from them through time."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from modelkeep.api.rest.schemas.base import Answer, Moment, Sent, SentMessage
from modelkeep.api.rest.schemas.registry import Stage

EventName = Literal["registration", "deregistration", "assignment", "unassignment", "deprecation"]


class Retraction(Sent):
    """Why a version or an artifact is taken back."""

    message: SentMessage | None = None


class Event(Answer):
    """An event of the registry: what one registry tag stands for."""

    tag: str
    artifact: str
    event: EventName
    version: str | None = Field(
        description="Of an assignment the version that its commit is; null for a commit without one."
    )
    stage: str | None
    commit: str
    at: Moment = Field(description="When, by the tagger's clock.")
    author: str
    author_email: str
    message: str


class RegistryEvent(Event):
    """An event of some repo."""

    repo: str


class StageLeft(Event):
    """That a version has left a stage, and who holds it now."""

    holder: Stage | None = Field(description="The version that held it before comes back; null for nobody.")


class Period(Answer):
    """A time in which one version held a stage."""

    version: str | None = Field(description="Null for a commit that is no version.")
    commit: str
    from_: Moment = Field(serialization_alias="from")
    until: Moment | None = Field(description="Null while it lasts.")
    assigned_by: Event = Field(
        description="The assignment; earlier than `from` where it came back because another left."
    )
    left_by: Event | None = Field(description="What ended it.")


class StageChange(Answer):
    """That another version holds a stage than before."""

    repo: str
    artifact: str
    stage: str
    before: str | None = Field(description="A version, or a commit that is none; null for nobody.")
    after: str | None = Field(description="A version, or a commit that is none; null for nobody.")
    events: list[RegistryEvent] = Field(
        description="Those in between that can have had to do with it, oldest first."
    )
