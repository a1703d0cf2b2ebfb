"""Events, webhooks and their deliveries."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StringConstraints

from modelkeep.api.rest.schemas.base import Answer, Moment, Sent

State = Literal["pending", "delivered", "failed"]

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200)]

_EVENTS = "Types, groups such as `stage.*`, or `*`."
_ARTIFACTS = "Shell patterns; where there are any, only events about such an artifact."
_STAGES = "The same for stages."


class Event(Answer):
    """Something that happened; docs/reference/events.md says what `data` holds."""

    id: str = Field(description="Receivers recognise a repetition by it.")
    type: str
    at: Moment
    repo: str | None = Field(description="`namespace/name` as it was then.")
    actor: str = Field(description="Who did it; `hub` for what the hub found by itself.")
    data: dict[str, Any]
    sequence: int = Field(description="The place in the stream; grows.")


class DeliveryFacts(Answer):
    """What is told of a delivery in lists and by itself."""

    id: str
    event_id: str
    event_type: str
    state: State
    created_at: Moment
    next_attempt_at: Moment | None
    last_status: int | None = Field(description="The HTTP status of the last attempt; null where none came.")
    replay_of: str | None = Field(description="The delivery that this one repeats.")


class Delivery(DeliveryFacts):
    """An event on its way to a webhook."""

    attempts: int = Field(description="How many requests were made.")


class SentRequest(Answer):
    """What is sent; headers are those of the last attempt."""

    headers: dict[str, str]
    body: str


class Attempt(Answer):
    """One request of a delivery, and the answer."""

    at: Moment
    status: int | None
    headers: dict[str, str]
    body: str = Field(description="The first 16 KiB of the answer.")
    error: str | None = Field(description="Why there was no good answer, in words.")
    seconds: float


class LoggedDelivery(DeliveryFacts):
    """A delivery with what was sent and all that came back."""

    request: SentRequest
    attempts: list[Attempt] = Field(description="Oldest first.")


class Webhook(Answer):
    """Whom to tell of which events."""

    id: int
    url: str
    events: list[str] = Field(description=_EVENTS)
    artifacts: list[str] = Field(description=_ARTIFACTS)
    stages: list[str] = Field(description=_STAGES)
    is_active: bool
    description: str
    created_at: Moment
    created_by: str
    failing_since: Moment | None = Field(description="Since when every attempt has failed.")
    last_delivery: Delivery | None


class NewlySecretWebhook(Webhook):
    """A webhook with a new secret, which no other answer shows."""

    secret: str = Field(description="`whsec_` and base64: the key that signs the requests.")


class NewWebhook(Sent):
    """The webhook to make."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    events: list[Pattern] = Field(["*"], description=_EVENTS)
    artifacts: list[Pattern] = Field([], description=_ARTIFACTS)
    stages: list[Pattern] = Field([], description=_STAGES)
    description: Annotated[str, StringConstraints(max_length=500)] = ""
    is_active: StrictBool = True


class WebhookChange(Sent):
    """What to change; what is left out stays."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = None
    events: list[Pattern] | None = Field(None, description=_EVENTS)
    artifacts: list[Pattern] | None = Field(None, description=_ARTIFACTS)
    stages: list[Pattern] | None = Field(None, description=_STAGES)
    description: Annotated[str, StringConstraints(max_length=500)] | None = None
    is_active: StrictBool | None = None
