"""``modelkeep webhook …``: where the events of a repo or an organisation are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import printable, say, show_fields, show_json, show_list, time_text

if TYPE_CHECKING:
    from modelkeep.sdk.hub import Hub
    from modelkeep.sdk.models_events import Webhook
    from modelkeep.sdk.webhooks import Webhooks

Owner = Annotated[
    str,
    typer.Argument(
        help="The repo, or the organisation for all its repos.", metavar="NAMESPACE/REPO", show_default=False
    ),
]
WebhookId = Annotated[str, typer.Argument(help="Its id.", metavar="WEBHOOK", show_default=False)]
Events = Annotated[
    list[str] | None,
    typer.Option("--event", help="Only this type, such as stage.assigned. Repeatable.", metavar="TYPE"),
]
Artifacts = Annotated[
    list[str] | None,
    typer.Option("--artifact", help="Only artifacts like this. Repeatable.", metavar="PATTERN"),
]
Stages = Annotated[
    list[str] | None, typer.Option("--stage", help="Only stages like this. Repeatable.", metavar="PATTERN")
]


def webhooks_of(hub: Hub, owner: str) -> Webhooks:
    """The webhooks of a repo (``namespace/name``) or an organisation (``name``)."""
    return hub.repo(owner).webhooks if "/" in owner else hub.orgs.webhooks(owner)


@options.example("modelkeep webhook list acme/churn", "modelkeep webhook list acme --json")
def list_webhooks(
    owner: Owner,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List webhooks, without their secrets."""
    with options.connect(url, token) as hub:
        show_list(
            webhooks_of(hub, owner).list(),
            ("id", "url", "events", "artifacts", "stages", "active", "last delivery"),
            lambda one: (
                one.id,
                one.url,
                " ".join(one.events),
                " ".join(one.artifacts),
                " ".join(one.stages),
                "yes" if one.is_active else "no",
                _last(one),
            ),
            empty=f"{owner} has no webhook.",
            as_json=as_json,
        )


@options.example(
    "modelkeep webhook add acme/churn https://ci.example.org/hook --event stage.assigned --stage prod"
)
def add(
    owner: Owner,
    target: Annotated[
        str, typer.Argument(help="Where events are POSTed.", metavar="TARGET", show_default=False)
    ],
    event: Events = None,
    artifact: Artifacts = None,
    stage: Stages = None,
    description: Annotated[str, typer.Option("--description", help="What it is for.", metavar="TEXT")] = "",
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Make a webhook; its secret is printed once, alone on the last line."""
    with options.connect(url, token) as hub:
        made = webhooks_of(hub, owner).create(
            target,
            events=event or ["*"],
            artifacts=artifact or [],
            stages=stage or [],
            description=description,
        )
    _tell_secret(made, as_json, f"Made the webhook {made.id} for {printable(made.url)}.")


@options.example("modelkeep webhook show acme/churn 3")
def show(
    owner: Owner,
    webhook: WebhookId,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show a webhook."""
    with options.connect(url, token) as hub:
        found = webhooks_of(hub, owner).get(webhook)
    if as_json:
        show_json(found)
        return
    show_fields(
        [
            ("webhook", found.id),
            ("url", found.url),
            ("events", " ".join(found.events)),
            ("artifacts", " ".join(found.artifacts)),
            ("stages", " ".join(found.stages)),
            ("active", "yes" if found.is_active else "no"),
            ("description", found.description),
            ("made", f"{time_text(found.created_at)} UTC by {found.created_by}"),
            ("last delivery", _last(found)),
        ]
    )


@options.example(
    "modelkeep webhook update acme/churn 3 --inactive",
    "modelkeep webhook update acme/churn 3 --event stage.assigned --event stage.unassigned",
)
def update(
    owner: Owner,
    webhook: WebhookId,
    target: Annotated[
        str | None, typer.Option("--target", help="Where events are POSTed.", metavar="TARGET")
    ] = None,
    event: Events = None,
    artifact: Artifacts = None,
    stage: Stages = None,
    description: Annotated[
        str | None, typer.Option("--description", help="What it is for.", metavar="TEXT")
    ] = None,
    is_active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Whether events are sent.", show_default=False)
    ] = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Change a webhook; what is not given stays. '*' for --artifact or --stage means all again."""
    with options.connect(url, token) as hub:
        made = webhooks_of(hub, owner).update(
            webhook,
            url=target,
            events=event,
            artifacts=artifact,
            stages=stage,
            description=description,
            is_active=is_active,
        )
    if as_json:
        show_json(made)
    else:
        say(f"Changed the webhook {made.id}.")


@options.example("modelkeep webhook remove acme/churn 3")
def remove(
    owner: Owner,
    webhook: WebhookId,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Remove a webhook. What waits to be sent to it is not sent any more."""
    with options.connect(url, token) as hub:
        webhooks_of(hub, owner).remove(webhook)
    if as_json:
        show_json({"id": webhook, "is_removed": True})
    else:
        say(f"Removed the webhook {printable(webhook)}.")


@options.example("modelkeep webhook rotate acme/churn 3")
def rotate(
    owner: Owner,
    webhook: WebhookId,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Give a webhook a new secret, which is printed once, alone on the last line."""
    with options.connect(url, token) as hub:
        made = webhooks_of(hub, owner).rotate(webhook)
    _tell_secret(made, as_json, f"The webhook {made.id} has a new secret.")


@options.example("modelkeep webhook ping acme/churn 3")
def ping(
    owner: Owner,
    webhook: WebhookId,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Send a test event to a webhook; 'webhook deliveries' shows what came of it."""
    with options.connect(url, token) as hub:
        sent = webhooks_of(hub, owner).ping(webhook)
    if as_json:
        show_json(sent)
    else:
        say(f"A test event is on its way (delivery {sent.id}).")


def _tell_secret(made: Webhook, as_json: bool, sentence: str) -> None:
    if as_json:
        show_json(made)
        return
    say(sentence)
    say("The secret that its deliveries are signed with, shown only now:")
    say(made.secret)


def _last(one: Webhook) -> str:
    last = one.last_delivery or {}
    return " ".join(str(last[key]) for key in ("state", "last_status") if last.get(key) is not None)
