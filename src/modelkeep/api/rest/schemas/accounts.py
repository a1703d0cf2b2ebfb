"""Users, organisations, members and tokens."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, StrictInt, StringConstraints

from modelkeep.api.rest.schemas.base import (
    MOST_MEMBERS,
    Answer,
    Moment,
    RoleLabel,
    Sent,
    SentMoment,
    SentName,
)
from modelkeep.domain.access import Scope, Visibility

LONGEST_LIFE = 100 * 366 * 24 * 3600

Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class User(Answer):
    """Somebody with an account."""

    name: str
    full_name: str
    email: str | None = Field(description="Null for others than the user and the hub's administrators.")
    is_hub_admin: bool
    is_disabled: bool
    created_at: Moment


class NewUser(Sent):
    """Who is to get an account; without a password one is made up and answered once."""

    name: SentName
    password: Password | None = None
    full_name: str = ""
    email: str = ""
    is_hub_admin: StrictBool = False


class MadeUser(User):
    """A new user, with the password that was made up."""

    password: str | None = Field(
        description="Made up by the hub and shown only here; null where one was sent."
    )


class UserChange(Sent):
    """What to change of a user; what is left out stays."""

    full_name: str | None = None
    email: str | None = None
    password: Password | None = None
    is_disabled: StrictBool | None = None


class Membership(Answer):
    """An organisation that somebody belongs to."""

    name: str
    role: RoleLabel


class CurrentToken(Answer):
    """The token in use."""

    id: int
    name: str
    scopes: list[Scope]
    limits: list[str]
    expires_at: Moment | None


class Identity(Answer):
    """Who the hub takes the caller for."""

    user: User | None = Field(description="Null for an anonymous caller.")
    token: CurrentToken | None = Field(description="Null without a token.")
    organisations: list[Membership]


class HubVersion(Answer):
    """Which Modelkeep answers."""

    version: str


class Token(CurrentToken):
    """A token without its secret."""

    hint: str = Field(description="The last characters of the secret.")
    created_at: Moment
    last_used_at: Moment | None
    revoked_at: Moment | None


class NewToken(Sent):
    """What a token is to be good for."""

    name: SentName
    scopes: list[Scope] = Field(min_length=1, max_length=20)
    limits: list[SentName] = Field(default=[], max_length=100)
    expires_at: SentMoment | None = Field(None, description="When it ends; null for never.")
    expires_in: Annotated[StrictInt, Field(gt=0, le=LONGEST_LIFE)] | None = Field(
        None, description="Or: in how many seconds it ends."
    )


class MadeToken(Token):
    """A new token, with its secret."""

    token: str = Field(description="The secret; shown only here.")


class Organisation(Answer):
    """A namespace that people share."""

    name: str
    full_name: str
    default_visibility: Visibility
    created_at: Moment
    role: RoleLabel | None = Field(description="The caller's own.")


class NewMember(Sent):
    """Who belongs to a new organisation."""

    user: SentName
    role: RoleLabel


class NewOrganisation(Sent):
    """The organisation to make; the caller becomes its owner."""

    name: SentName
    full_name: str = ""
    default_visibility: Visibility | None = None
    members: list[NewMember] = Field(default=[], max_length=MOST_MEMBERS)


class OrganisationChange(Sent):
    """What to change of an organisation; what is left out stays."""

    full_name: str | None = None
    default_visibility: Visibility | None = None


class Member(Answer):
    """Somebody's role."""

    user: str
    full_name: str
    role: RoleLabel


class MemberRole(Sent):
    """The role to give."""

    role: RoleLabel
