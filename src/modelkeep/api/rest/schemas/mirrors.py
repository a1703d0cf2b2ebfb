"""Mirrors of namespaces elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictInt, StringConstraints

from modelkeep.api.rest.schemas.base import Answer, Moment, Sent, SentName
from modelkeep.api.rest.schemas.imports import EXCLUDE, INCLUDE, Glob

Kind = Literal["model", "dataset"]

_FRESH_FOR = "Seconds for which a repo is not compared with its source again."


class Mirror(Answer):
    """What a namespace takes over when it is asked for."""

    namespace: str
    endpoint: str = Field(description="The URL of the other hub.")
    source: str = Field(description="The namespace there.")
    has_token: bool
    fresh_for: int = Field(description=_FRESH_FOR)
    include: list[str] = Field(description=INCLUDE)
    exclude: list[str] = Field(description=EXCLUDE)
    kinds: list[Kind] = Field(description="Which kinds of repos are taken over.")
    set_at: Moment
    set_by: str = Field(description="Its imports act with this user's rights.")


class SentMirror(Sent):
    """The mirror to make of a namespace."""

    endpoint: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = Field(
        None, description="The URL of the other hub; the usual one if left out."
    )
    source: SentName | None = Field(None, description="The namespace there; the same name if left out.")
    token: Annotated[str, StringConstraints(min_length=1, max_length=4096)] | None = Field(
        None,
        description="Opens the source. Kept encrypted, never shown; the one of before for the same source if left out.",
    )
    fresh_for: StrictInt | None = Field(None, description=f"{_FRESH_FOR} 600 if left out.")
    include: list[Glob] = Field([], max_length=100, description=INCLUDE)
    exclude: list[Glob] = Field([], max_length=100, description=EXCLUDE)
    kinds: list[Kind] = Field([], max_length=2, description="Which kinds of repos; all for none.")
