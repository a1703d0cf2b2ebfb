"""Access tokens and organisations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from modelkeep.sdk.addresses import api_path
from modelkeep.sdk.handle import given
from modelkeep.sdk.http import Connection, Json
from modelkeep.sdk.listings import Listing
from modelkeep.sdk.models import Membership, Organisation, Token
from modelkeep.sdk.models_mirrors import Mirror
from modelkeep.sdk.models_policy import Policy
from modelkeep.sdk.webhooks import Webhooks
from modelkeep.sdk.wire import Record


class Tokens:
    """``hub.tokens``: one's own access tokens."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Listing[Token]:
        """All of them, without their secrets."""
        columns = ("id", "name", "scopes", "limits", "expires_at", "last_used_at")
        return Listing(self._connection, api_path("tokens"), Token.read, columns=columns)

    def create(
        self,
        name: str,
        *,
        scopes: Sequence[str] = ("read",),
        limits: Sequence[str] = (),
        expires_in: timedelta | None = None,
    ) -> Token:
        """Makes a token; its secret is in ``token``, now and never again.

        Args:
            name: To recognise it by.
            scopes: Of ``read``, ``write``, ``promote`` and ``admin``.
            limits: Namespaces and repos that it reaches; empty for all.
            expires_in: None for a token without an end.
        """
        body: dict[str, Json] = {"name": name, "scopes": [*scopes], "limits": [*limits]}
        if expires_in is not None:
            body["expires_in"] = int(expires_in.total_seconds())
        return Token.read(self._connection.post(api_path("tokens"), body))

    def revoke(self, token_id: int) -> None:
        """Makes a token worthless at once."""
        self._connection.send("DELETE", api_path("tokens", str(token_id)))


class Organisations:
    """``hub.orgs``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, query: str | None = None) -> Listing[Organisation]:
        """Those that the caller belongs to or may see."""
        columns = ("name", "full_name", "role")
        return Listing(
            self._connection, api_path("orgs"), Organisation.read, {"query": query}, columns=columns
        )

    def get(self, name: str) -> Organisation:
        """One organisation."""
        return Organisation.read(self._connection.get(api_path("orgs", name)))

    def create(
        self,
        name: str,
        *,
        full_name: str = "",
        default_visibility: str | None = None,
        members: Mapping[str, str] | None = None,
    ) -> Organisation:
        """Creates an organisation that the caller owns; ``members`` maps user names to roles."""
        body: dict[str, Json] = {"name": name, "full_name": full_name}
        if default_visibility is not None:
            body["default_visibility"] = default_visibility
        if members:
            body["members"] = [{"user": user, "role": role} for user, role in members.items()]
        return Organisation.read(self._connection.post(api_path("orgs"), body))

    def members(self, name: str) -> Listing[Membership]:
        """Who belongs to it, in which role."""
        path = api_path("orgs", name, "members")
        return Listing(self._connection, path, Membership.read, columns=("name", "role"))

    def set_member(self, name: str, user: str, role: str) -> None:
        """Gives somebody a role: ``reader``, ``contributor``, ``maintainer`` or ``owner``."""
        path = api_path("orgs", name, "members", user)
        self._connection.send("PUT", path, body={"role": role}, is_repeatable=True)

    def remove_member(self, name: str, user: str) -> None:
        """Takes somebody out of it."""
        self._connection.send("DELETE", api_path("orgs", name, "members", user))

    def policy(self, name: str) -> Policy:
        """The policy that holds for its repos that have none of their own."""
        return Policy.read(self._connection.get(api_path("orgs", name, "policy")))

    def set_policy(self, name: str, text: str) -> Policy:
        """Sets that policy.

        Raises:
            InvalidInput: It is none (code ``policy_invalid``); the message says where.
        """
        path = api_path("orgs", name, "policy")
        answer = self._connection.send("PUT", path, body={"text": text}, is_repeatable=True)
        return Policy.read(Record.parse(answer, path))

    def remove_policy(self, name: str) -> None:
        """Removes that policy."""
        self._connection.send("DELETE", api_path("orgs", name, "policy"))

    def mirror(self, name: str) -> Mirror:
        """What it is a mirror of; ``name`` may be your own.

        Raises:
            NotFound: It is no mirror.
        """
        return Mirror.read(self._connection.get(api_path("orgs", name, "mirror")))

    def set_mirror(
        self,
        name: str,
        *,
        endpoint: str | None = None,
        source: str | None = None,
        token: str | None = None,
        fresh_for: int | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        kinds: Sequence[str] = (),
    ) -> Mirror:
        """Makes it a mirror, in place of what it was before: repos of another hub come when they are asked for.

        Args:
            name: An organisation, or your own name.
            endpoint: The URL of the other hub; else the hub's usual one.
            source: The namespace there; else the same name.
            token: Opens the source; else the one given before for the very same source.
            fresh_for: Seconds for which a repo is not compared with its source again.
            include: Take only files like these.
            exclude: Leave out files like these.
            kinds: ``model``, ``dataset``; else both.
        """
        body = given(endpoint=endpoint, source=source, token=token, fresh_for=fresh_for)
        lists = (("include", include), ("exclude", exclude), ("kinds", kinds))
        body |= {key: [*values] for key, values in lists if values}
        path = api_path("orgs", name, "mirror")
        answer = self._connection.send("PUT", path, body=body, is_repeatable=True)
        return Mirror.read(Record.parse(answer, path))

    def remove_mirror(self, name: str) -> None:
        """Makes it an ordinary namespace; what has come stays, the token is forgotten."""
        self._connection.send("DELETE", api_path("orgs", name, "mirror"))

    def webhooks(self, name: str) -> Webhooks:
        """Its webhooks, which hear of all its repos."""
        return Webhooks(self._connection, "orgs", name)
