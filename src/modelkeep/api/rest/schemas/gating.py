"""Gated repos and requests for access."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from modelkeep.api.rest.schemas.base import Answer, Moment, Sent
from modelkeep.domain.gating import AccessStatus, Gating

SentField = Annotated[str, StringConstraints(max_length=1000)]


class AccessRequest(Answer):
    """A request for access."""

    user: str
    full_name: str
    email: str | None = Field(description="Null where nobody asked: access was given unasked.")
    status: AccessStatus
    asked_at: Moment
    decided_at: Moment | None
    decided_by: str | None
    reason: str | None = Field(description="Why it was rejected.")
    fields: dict[str, str] = Field(description="What was filled into the form.")


class Access(Answer):
    """Whether the caller may read a repo's content."""

    gated: Gating | None = Field(description="How requests are answered; null where nobody needs to ask.")
    has_access: bool
    request: AccessRequest | None


class AccessForm(Sent):
    """What somebody says who asks for access."""

    fields: dict[SentField, SentField] = Field({}, description="Anything that the maintainers want to know.")


class NewGating(Sent):
    """How requests are to be answered."""

    gated: Gating | None = Field(description="`manual`, `auto`, or null for a repo that is not gated.")


class AccessAnswer(Sent):
    """An answer to a request."""

    status: AccessStatus
    reason: str | None = Field(None, description="Shown to who asked, where it is rejected.", max_length=200)
