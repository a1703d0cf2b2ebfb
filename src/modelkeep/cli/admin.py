"""``modelkeep admin …``: accounts, organisations and tokens, on the hub's own machine and data folder."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.durations import parse_duration
from modelkeep.cli.local_hub import open_local_hub
from modelkeep.cli.output import note, printable, say, show_json, show_table, time_text

if TYPE_CHECKING:
    from modelkeep.domain.access import Role
    from modelkeep.domain.accounts import Token, User


Name = Annotated[str, typer.Argument(help="The name.", metavar="NAME", show_default=False)]
Password = Annotated[
    str | None,
    typer.Option(
        "--password", help="'-' reads it from standard input; else one is made up.", metavar="PASSWORD"
    ),
]
FullName = Annotated[str, typer.Option("--full-name", help="As people know it.", metavar="TEXT")]


@options.example("modelkeep admin user create ada --full-name 'Ada L.' --data /srv/hub")
def create_user(
    name: Name,
    password: Password = None,
    full_name: FullName = "",
    email: Annotated[str, typer.Option("--email", help="For Git signatures.", metavar="ADDRESS")] = "",
    is_admin: Annotated[bool, typer.Option("--admin", help="May do everything on this hub.")] = False,
    data: options.Data = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """Create a user. A password that is made up is printed once."""
    chosen, is_made_up = _password(password)
    with open_local_hub(data, config, begins=True) as (hub, actor):
        made = hub.accounts.create(
            actor, name=name, password=chosen, full_name=full_name, email=email, is_hub_admin=is_admin
        )
    if as_json:
        show_json({**_user_json(made), "password": chosen if is_made_up else None})
    else:
        say(f"Created the user {made.name}.")
        if is_made_up:
            say(f"Password, shown only now: {chosen}")


@options.example("modelkeep admin user list --data /srv/hub")
def list_users(
    data: options.Data = None, config: options.Config = None, as_json: options.Json = False
) -> None:
    """List all users."""
    from modelkeep.domain.paging import MAX_LIMIT, PageRequest

    found: list[User] = []
    with open_local_hub(data, config) as (hub, actor):
        cursor: str | None = None
        while True:
            page = hub.accounts.list(actor, PageRequest.parse(MAX_LIMIT, cursor))
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
    if as_json:
        show_json([_user_json(one) for one in found])
        return
    rows = [(one.name, one.full_name, one.email, _standing(one), time_text(one.created_at)) for one in found]
    show_table(("user", "full name", "email", "standing", "created"), rows, "There is no user.")


@options.example("modelkeep admin user disable ada --data /srv/hub")
def disable_user(
    name: Name,
    is_enable: Annotated[bool, typer.Option("--undo", help="Let the user in again.")] = False,
    data: options.Data = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """Keep a user out, with password and tokens. What is theirs stays."""
    with open_local_hub(data, config) as (hub, actor):
        changed = hub.accounts.update(actor, name, is_disabled=not is_enable)
    if as_json:
        show_json(_user_json(changed))
    else:
        say(f"{changed.name} {'can sign in again' if is_enable else 'can no longer sign in'}.")


@options.example("modelkeep admin user set-password ada --data /srv/hub")
def set_password(
    name: Name,
    password: Password = None,
    data: options.Data = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """Give a user a new password."""
    chosen, is_made_up = _password(password)
    with open_local_hub(data, config) as (hub, actor):
        changed = hub.accounts.update(actor, name, password=chosen)
    if as_json:
        show_json({**_user_json(changed), "password": chosen if is_made_up else None})
    else:
        say(f"{changed.name} has a new password.")
        if is_made_up:
            say(f"Password, shown only now: {chosen}")


@options.example("modelkeep admin org create acme --member ada:owner --data /srv/hub")
def create_organisation(
    name: Name,
    full_name: FullName = "",
    member: Annotated[
        list[str] | None,
        typer.Option(
            "--member", help="reader, contributor, maintainer or owner. Repeatable.", metavar="USER:ROLE"
        ),
    ] = None,
    default_visibility: Annotated[
        str | None,
        typer.Option(
            "--default-visibility", help="Of new repos: private, shared or public.", metavar="VISIBILITY"
        ),
    ] = None,
    data: options.Data = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """Create an organisation with its members."""
    from modelkeep.domain.access import Visibility

    members = [_member(text) for text in member or []]
    visibility = Visibility.parse(default_visibility) if default_visibility is not None else None
    with open_local_hub(data, config, begins=True) as (hub, actor):
        made = hub.organisations.create(
            actor, name, full_name=full_name, default_visibility=visibility, members=members
        )
    if as_json:
        show_json(
            {
                "name": made.name,
                "full_name": made.full_name,
                "default_visibility": made.default_visibility.value,
                "created_at": made.created_at,
                "members": [{"user": user, "role": role.label} for user, role in members],
            }
        )
    else:
        say(f"Created the organisation {made.name}.")
        if not members:
            note(f"It has no members yet; only administrators of the hub reach {made.name}.")


@options.example("modelkeep admin org list --data /srv/hub")
def list_organisations(
    data: options.Data = None, config: options.Config = None, as_json: options.Json = False
) -> None:
    """List all organisations."""
    from modelkeep.domain.accounts import Namespace
    from modelkeep.domain.paging import MAX_LIMIT, PageRequest

    found: list[Namespace] = []
    with open_local_hub(data, config) as (hub, actor):
        cursor: str | None = None
        while True:
            page = hub.organisations.list(actor, PageRequest.parse(MAX_LIMIT, cursor))
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
    if as_json:
        keys = ("name", "full_name", "default_visibility", "created_at")
        show_json([{key: getattr(one, key) for key in keys} for one in found])
        return
    rows = [
        (one.name, one.full_name, one.default_visibility.value, time_text(one.created_at)) for one in found
    ]
    show_table(("organisation", "full name", "new repos", "created"), rows, "There is no organisation.")


@options.example("modelkeep admin token create --user ada --scope read,write --expires 30d --data /srv/hub")
def create_token(
    user: Annotated[str, typer.Option("--user", help="Whose it is.", metavar="NAME", show_default=False)],
    name: Annotated[
        str, typer.Option("--name", help="What it is for.", metavar="TEXT")
    ] = "made by an administrator",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", help="read, write, promote, admin; repeatable, or with commas.", metavar="SCOPE"
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            "--limit", help="A namespace or repo that it reaches; else all. Repeatable.", metavar="NAME"
        ),
    ] = None,
    expires: Annotated[str, typer.Option("--expires", help="30d, 12h, never.", metavar="TIME")] = "never",
    data: options.Data = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """Create an access token. The secret is printed once, alone on the last line."""
    from modelkeep.domain.access import Scope

    scopes = [Scope.parse(part) for text in scope or ["read"] for part in text.split(",") if part.strip()]
    limits = [part.strip() for text in limit or [] for part in text.split(",") if part.strip()]
    lifetime = parse_duration(expires)
    expires_at = datetime.now(UTC) + lifetime if lifetime is not None else None
    with open_local_hub(data, config) as (hub, actor):
        made, secret = hub.tokens.create(
            actor, name=name, scopes=scopes, limits=limits, expires_at=expires_at, user=user
        )
    if as_json:
        show_json({**_token_json(made), "user": user, "token": secret})
    else:
        until = f", until {time_text(made.expires_at)} UTC" if made.expires_at else ""
        say(
            f"Created the token {made.id} of {user} ({', '.join(sorted(made.scopes))}{until}). Shown only now:"
        )
        say(secret)


@options.example("modelkeep admin token list --user ada --data /srv/hub")
def list_tokens(
    user: Annotated[str, typer.Option("--user", help="Whose.", metavar="NAME", show_default=False)],
    data: options.Data = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """List a user's tokens, without their secrets."""
    with open_local_hub(data, config) as (hub, actor):
        found = hub.tokens.list(actor, user)
    if as_json:
        show_json([_token_json(one) for one in found])
        return
    rows = [
        (
            str(one.id),
            one.name,
            f"…{one.hint}",
            ", ".join(sorted(one.scopes)),
            ", ".join(sorted(one.limits)),
            time_text(one.expires_at) or "never",
            time_text(one.last_used_at) or "never",
            "revoked" if one.revoked_at else "",
        )
        for one in found
    ]
    headers = ("id", "name", "ends in", "scopes", "limited to", "expires", "last used", "")
    show_table(headers, rows, f"{printable(user)} has no token.")


@options.example("modelkeep admin token revoke 7 --data /srv/hub")
def revoke_token(
    token_id: Annotated[int, typer.Argument(help="Its number.", metavar="ID", show_default=False)],
    data: options.Data = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """End a token at once."""
    with open_local_hub(data, config) as (hub, actor):
        hub.tokens.revoke(actor, token_id)
    if as_json:
        show_json({"id": token_id, "is_revoked": True})
    else:
        say(f"Token {token_id} is worthless now.")


def _password(given: str | None) -> tuple[str, bool]:
    """The password to set, and whether it was made up."""
    from modelkeep.identity.secrets import new_password

    if given is None:
        return new_password(), True
    if given != "-":
        return given, False
    line = sys.stdin.readline(4096).strip("\r\n")
    if not line:
        raise typer.BadParameter("Standard input has no password.")
    return line, False


def _member(text: str) -> tuple[str, Role]:
    from modelkeep.domain.access import Role

    user, colon, role = text.partition(":")
    if not colon or not user:
        raise typer.BadParameter(f"{text[:80]!r} is no member; write USER:ROLE.")
    return user, Role.parse(role)


def _user_json(user: User) -> dict[str, object]:
    keys = ("name", "full_name", "email", "is_hub_admin", "is_disabled", "created_at")
    return {key: getattr(user, key) for key in keys}


def _token_json(token: Token) -> dict[str, object]:
    keys = ("id", "name", "expires_at", "hint", "created_at", "last_used_at", "revoked_at")
    return {
        **{key: getattr(token, key) for key in keys},
        "scopes": sorted(scope.value for scope in token.scopes),
        "limits": sorted(token.limits),
    }


def _standing(user: User) -> str:
    return "disabled" if user.is_disabled else "administrator" if user.is_hub_admin else ""
