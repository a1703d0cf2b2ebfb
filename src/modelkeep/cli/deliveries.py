"""``modelkeep webhook deliveries`` and ``replay``: what was sent to a webhook."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import printable, say, show_fields, show_json, show_list, show_table, time_text
from modelkeep.cli.webhooks import Owner, WebhookId, webhooks_of

if TYPE_CHECKING:
    from modelkeep.sdk.models_events import Delivery


@options.example(
    "modelkeep webhook deliveries acme/churn 3 --state failed",
    "modelkeep webhook deliveries acme/churn 3 DELIVERY",
)
def deliveries(
    owner: Owner,
    webhook: WebhookId,
    delivery: Annotated[
        str | None,
        typer.Argument(help="Show this one in full.", metavar="[DELIVERY]", show_default=False),
    ] = None,
    state: Annotated[
        str | None, typer.Option("--state", help="Only pending, delivered or failed.", metavar="STATE")
    ] = None,
    limit: options.Limit = 100,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List what was sent to a webhook, or show one delivery with what was sent and what came back."""
    with options.connect(url, token) as hub:
        webhooks = webhooks_of(hub, owner)
        if delivery is not None:
            _show(webhooks.delivery(webhook, delivery), as_json)
            return
        show_list(
            webhooks.deliveries(webhook, state=state).up_to(limit),
            ("delivery", "event", "state", "tries", "answer", "at", "next try"),
            lambda one: (
                one.id,
                one.event_type,
                one.state,
                str(one.attempts),
                str(one.last_status or ""),
                time_text(one.created_at),
                time_text(one.next_attempt_at),
            ),
            empty="Nothing was sent.",
            as_json=as_json,
        )


@options.example("modelkeep webhook replay acme/churn 3 DELIVERY")
def replay(
    owner: Owner,
    webhook: WebhookId,
    delivery: Annotated[
        str, typer.Argument(help="The delivery's id.", metavar="DELIVERY", show_default=False)
    ],
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Send an earlier delivery again. The event keeps its id, so that receivers can tell."""
    with options.connect(url, token) as hub:
        sent = webhooks_of(hub, owner).replay(webhook, delivery)
    if as_json:
        show_json(sent)
    else:
        say(f"The event {sent.event_id} is on its way again (delivery {sent.id}).")


def _show(one: Delivery, as_json: bool) -> None:
    if as_json:
        show_json(one)
        return
    show_fields(
        [
            ("delivery", one.id),
            ("event", f"{one.event_type} {one.event_id}"),
            ("state", one.state),
            ("replay of", one.replay_of or ""),
            ("next try", time_text(one.next_attempt_at)),
        ]
    )
    rows = [
        (
            time_text(attempt.at),
            str(attempt.status or ""),
            f"{attempt.seconds:.1f} s" if attempt.seconds is not None else "",
            attempt.error or attempt.body.split("\n", 1)[0][:80],
        )
        for attempt in one.tries
    ]
    if rows:
        say()
        show_table(("tried", "answer", "took", "said"), rows, "")
    if one.request is not None:
        say()
        for line in json.dumps(one.request, indent=2).splitlines():
            say(printable(line))
