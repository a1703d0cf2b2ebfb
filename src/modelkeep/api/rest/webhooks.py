"""Webhooks of repos and of organisations: the same routes at both places."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from modelkeep.api.rest import render, render_events
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name, Number, PageOf
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.api.rest.schemas.events import (
    Delivery,
    LoggedDelivery,
    NewlySecretWebhook,
    NewWebhook,
    State,
    Webhook,
    WebhookChange,
)
from modelkeep.domain.webhooks import DeliveryState
from modelkeep.services.webhooks import Owner

OwnerOf = Callable[..., Awaitable[Owner]]

StateWanted = Annotated[State | None, Query(description="Only deliveries in this state.")]


async def _of_repo(ns: Name, repo: Name) -> Owner:
    return Owner(ns, repo)


async def _of_org(org: Name) -> Owner:
    return Owner(org)


def _path(owner: Owner) -> str:
    if owner.repo is None:
        return f"/orgs/{render.segment(owner.namespace)}/webhooks"
    return f"/repos/{render.segment(owner.namespace)}/{render.segment(owner.repo)}/webhooks"


def _add_management(router: APIRouter, owner_of: OwnerOf, noun: str, whose: str) -> None:
    @router.get("", operation_id=f"list{noun}Webhooks", summary=f"List the webhooks of {whose}")
    async def list_webhooks(call: CallOf, page: PageOf, owner: Owner = Depends(owner_of)) -> Listing[Webhook]:
        """Each with its last delivery."""
        found = await call.run(call.services.webhooks.list, call.actor, owner, page)
        return render.listing(found, lambda pair: render_events.webhook(*pair))

    @router.post(
        "", operation_id=f"create{noun}Webhook", summary=f"Make a webhook for {whose}", status_code=201
    )
    async def create_webhook(
        call: CallOf, body: NewWebhook, response: Response, owner: Owner = Depends(owner_of)
    ) -> NewlySecretWebhook:
        """The answer shows its secret, and no other does."""
        made, secret = await call.run(
            call.services.webhooks.create,
            call.actor,
            owner,
            body.url,
            events=body.events,
            artifacts=body.artifacts,
            stages=body.stages,
            description=body.description,
            is_active=body.is_active,
        )
        response.headers["location"] = call.url(f"{_path(owner)}/{made.id}")
        return render_events.webhook_with_secret(made, secret)

    @router.get("/{webhook_id}", operation_id=f"get{noun}Webhook", summary=f"A webhook of {whose}")
    async def get_webhook(call: CallOf, webhook_id: Number, owner: Owner = Depends(owner_of)) -> Webhook:
        """Without its secret."""
        found = await call.run(call.services.webhooks.get, call.actor, owner, webhook_id)
        return render_events.webhook(*found)

    @router.patch(
        "/{webhook_id}", operation_id=f"update{noun}Webhook", summary=f"Change a webhook of {whose}"
    )
    async def update_webhook(
        call: CallOf, webhook_id: Number, body: WebhookChange, owner: Owner = Depends(owner_of)
    ) -> Webhook:
        """Switching it off gives up what is pending; switching it on lets it hear of what comes then."""
        changed = await call.run(
            call.services.webhooks.update,
            call.actor,
            owner,
            webhook_id,
            url=body.url,
            events=body.events,
            artifacts=body.artifacts,
            stages=body.stages,
            description=body.description,
            is_active=body.is_active,
        )
        return render_events.webhook(*changed)

    @router.delete(
        "/{webhook_id}",
        operation_id=f"delete{noun}Webhook",
        summary=f"Remove a webhook of {whose}",
        status_code=204,
    )
    async def delete_webhook(call: CallOf, webhook_id: Number, owner: Owner = Depends(owner_of)) -> None:
        """With the log of its deliveries."""
        await call.run(call.services.webhooks.delete, call.actor, owner, webhook_id)

    @router.post(
        "/{webhook_id}/rotate",
        operation_id=f"rotate{noun}WebhookSecret",
        summary=f"Give a webhook of {whose} a new secret",
    )
    async def rotate_secret(
        call: CallOf, webhook_id: Number, owner: Owner = Depends(owner_of)
    ) -> NewlySecretWebhook:
        """For 24 hours requests carry two signatures, the second by the old secret."""
        changed, secret = await call.run(call.services.webhooks.rotate, call.actor, owner, webhook_id)
        return render_events.webhook_with_secret(changed, secret)


def _add_deliveries(router: APIRouter, owner_of: OwnerOf, noun: str, whose: str) -> None:
    @router.post(
        "/{webhook_id}/ping",
        operation_id=f"ping{noun}Webhook",
        summary=f"Try a webhook of {whose}",
        status_code=202,
    )
    async def ping(call: CallOf, webhook_id: Number, owner: Owner = Depends(owner_of)) -> Delivery:
        """Sends an event `ping`, once; the answer names the delivery to look at."""
        made = await call.run(call.services.deliveries.ping, call.actor, owner, webhook_id)
        return render_events.delivery(made)

    @router.get(
        "/{webhook_id}/deliveries",
        operation_id=f"list{noun}WebhookDeliveries",
        summary=f"The deliveries of a webhook of {whose}",
    )
    async def list_deliveries(
        call: CallOf,
        webhook_id: Number,
        page: PageOf,
        state: StateWanted = None,
        owner: Owner = Depends(owner_of),
    ) -> Listing[Delivery]:
        """Newest first, for as long as they are kept."""
        wanted = DeliveryState(state) if state is not None else None
        found = await call.run(call.services.deliveries.list, call.actor, owner, webhook_id, page, wanted)
        return render.listing(found, render_events.delivery)

    @router.get(
        "/{webhook_id}/deliveries/{delivery_id}",
        operation_id=f"get{noun}WebhookDelivery",
        summary=f"A delivery of a webhook of {whose}, with every attempt",
    )
    async def get_delivery(
        call: CallOf, webhook_id: Number, delivery_id: Name, owner: Owner = Depends(owner_of)
    ) -> LoggedDelivery:
        """What was sent and what came back."""
        found = await call.run(call.services.deliveries.get, call.actor, owner, webhook_id, delivery_id)
        return render_events.logged_delivery(found.delivery, found.attempts)

    @router.post(
        "/{webhook_id}/deliveries/{delivery_id}/replay",
        operation_id=f"replay{noun}WebhookDelivery",
        summary=f"Send an event to a webhook of {whose} once more",
        status_code=202,
    )
    async def replay(
        call: CallOf, webhook_id: Number, delivery_id: Name, owner: Owner = Depends(owner_of)
    ) -> Delivery:
        """The same `webhook-id` and body, a fresh timestamp and signature, a new delivery."""
        made = await call.run(call.services.deliveries.replay, call.actor, owner, webhook_id, delivery_id)
        return render_events.delivery(made)


def _router(prefix: str, owner_of: OwnerOf, noun: str, whose: str) -> APIRouter:
    made = APIRouter(route_class=GuardedRoute, prefix=prefix, tags=["webhooks"])
    _add_management(made, owner_of, noun, whose)
    _add_deliveries(made, owner_of, noun, whose)
    return made


repo_router = _router("/repos/{ns}/{repo}/webhooks", _of_repo, "Repo", "a repo")
org_router = _router("/orgs/{org}/webhooks", _of_org, "Org", "an organisation")
