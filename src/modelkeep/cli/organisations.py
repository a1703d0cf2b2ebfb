"""``modelkeep org …``: organisations and their members."""

from __future__ import annotations

from typing import Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import printable, say, show_fields, show_json, show_list, time_text
from modelkeep.cli.repo_people import Role, UserName

Organisation = Annotated[
    str, typer.Argument(help="The organisation.", metavar="ORGANISATION", show_default=False)
]


@options.example("modelkeep org list")
def list_organisations(
    url: options.Url = None, token: options.Token = None, as_json: options.Json = False
) -> None:
    """List the organisations that you belong to."""
    with options.connect(url, token) as hub:
        show_list(
            hub.orgs.list(),
            ("organisation", "full name", "your role"),
            lambda one: (one.name, one.full_name, one.role),
            empty="You belong to no organisation.",
            as_json=as_json,
        )


@options.example("modelkeep org show acme")
def show(
    organisation: Organisation,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show an organisation."""
    with options.connect(url, token) as hub:
        found = hub.orgs.get(organisation)
    if as_json:
        show_json(found)
        return
    show_fields(
        [
            ("organisation", found.name),
            ("full name", found.full_name),
            ("your role", found.role),
            ("new repos are", found.default_visibility),
            ("created", time_text(found.created_at)),
        ]
    )


@options.example("modelkeep org create acme --full-name 'Acme Corporation' --member bob:maintainer")
def create(
    name: Annotated[str, typer.Argument(help="Its name.", metavar="NAME", show_default=False)],
    full_name: Annotated[str, typer.Option("--full-name", help="As people know it.", metavar="TEXT")] = "",
    visibility: Annotated[
        str | None,
        typer.Option(
            "--visibility", help="Of its new repos: private, shared or public.", metavar="VISIBILITY"
        ),
    ] = None,
    member: Annotated[
        list[str] | None,
        typer.Option("--member", help="Somebody and their role. Repeatable.", metavar="USER:ROLE"),
    ] = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Create an organisation that you own."""
    members: dict[str, str] = {}
    for one in member or []:
        user, colon, role = one.partition(":")
        if not colon or not user or not role:
            raise typer.BadParameter(f"--member takes USER:ROLE, not {one[:80]!r}.")
        members[user] = role
    with options.connect(url, token) as hub:
        made = hub.orgs.create(name, full_name=full_name, default_visibility=visibility, members=members)
    if as_json:
        show_json(made)
    else:
        say(f"Created the organisation {made.name}.")


@options.example("modelkeep org member list acme")
def list_members(
    organisation: Organisation,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List the members of an organisation."""
    with options.connect(url, token) as hub:
        show_list(
            hub.orgs.members(organisation),
            ("user", "role"),
            lambda one: (one.name, one.role),
            empty=f"{organisation} has no members.",
            as_json=as_json,
        )


@options.example("modelkeep org member add acme bob contributor")
def add_member(
    organisation: Organisation,
    user: UserName,
    role: Role,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Give somebody a role in an organisation, in place of the one that they had."""
    with options.connect(url, token) as hub:
        hub.orgs.set_member(organisation, user, role)
    if as_json:
        show_json({"organisation": organisation, "user": user, "role": role})
    else:
        say(f"{printable(user)} is {printable(role)} of {organisation}.")


@options.example("modelkeep org member remove acme bob")
def remove_member(
    organisation: Organisation,
    user: UserName,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Take somebody out of an organisation."""
    with options.connect(url, token) as hub:
        hub.orgs.remove_member(organisation, user)
    if as_json:
        show_json({"organisation": organisation, "user": user, "role": None})
    else:
        say(f"{printable(user)} is no member of {organisation} any more.")
