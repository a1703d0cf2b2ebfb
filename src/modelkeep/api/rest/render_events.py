"""From events and webhooks to wire shapes."""

from __future__ import annotations

from collections.abc import Sequence

from modelkeep.api.rest.schemas import events as shapes
from modelkeep.domain import outbox, webhooks


def event(value: outbox.OutboxEvent) -> shapes.Event:
    """An event of the stream."""
    return shapes.Event(
        id=value.id,
        type=value.type,
        at=value.at,
        repo=value.repo,
        actor=value.actor,
        data=dict(value.data),
        sequence=value.sequence,
    )


def webhook(value: webhooks.Webhook, last: webhooks.Delivery | None) -> shapes.Webhook:
    """A webhook without its secret."""
    return shapes.Webhook.model_validate(_webhook_fields(value, last))


def webhook_with_secret(value: webhooks.Webhook, secret: str) -> shapes.NewlySecretWebhook:
    """A webhook with its new secret."""
    return shapes.NewlySecretWebhook.model_validate(_webhook_fields(value, None) | {"secret": secret})


def delivery(value: webhooks.Delivery) -> shapes.Delivery:
    """A delivery without its attempts."""
    return shapes.Delivery.model_validate(_delivery_fields(value) | {"attempts": value.attempts})


def logged_delivery(value: webhooks.Delivery, log: Sequence[webhooks.Attempt]) -> shapes.LoggedDelivery:
    """A delivery with its attempts."""
    request = shapes.SentRequest(headers=log[-1].request_headers if log else {}, body=value.body)
    attempts = [
        shapes.Attempt(
            at=one.at,
            status=one.status,
            headers=one.headers,
            body=one.body,
            error=one.error,
            seconds=one.milliseconds / 1000,
        )
        for one in log
    ]
    return shapes.LoggedDelivery.model_validate(
        _delivery_fields(value) | {"request": request, "attempts": attempts}
    )


def _webhook_fields(value: webhooks.Webhook, last: webhooks.Delivery | None) -> dict[str, object]:
    return {
        "id": value.id,
        "url": value.url,
        "events": list(value.filter.events),
        "artifacts": list(value.filter.artifacts),
        "stages": list(value.filter.stages),
        "is_active": value.is_active,
        "description": value.description,
        "created_at": value.created_at,
        "created_by": value.created_by,
        "failing_since": value.failing_since,
        "last_delivery": delivery(last) if last else None,
    }


def _delivery_fields(value: webhooks.Delivery) -> dict[str, object]:
    return {
        "id": value.id,
        "event_id": value.event_id,
        "event_type": value.event_type,
        "state": value.state.value,
        "created_at": value.created_at,
        "next_attempt_at": value.next_attempt_at,
        "last_status": value.last_status,
        "replay_of": value.replay_of,
    }
