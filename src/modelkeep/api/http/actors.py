"""Who sends a request: its credentials, handed to whoever can judge them."""

from __future__ import annotations

from typing import Protocol

from starlette.datastructures import Headers
from starlette.types import Scope

from modelkeep.api.http.credentials import Basic, credentials_of
from modelkeep.api.http.limits import Limits
from modelkeep.domain.access import Actor


class Authenticates(Protocol):
    """Turns credentials into an actor; see the service of that name."""

    def anonymous(self, address: str, door: str) -> Actor:
        """Without credentials."""

    def by_token(self, secret: str, address: str, door: str) -> Actor:
        """With a token."""

    def by_basic(self, username: str, secret: str, address: str, door: str) -> Actor:
        """With a user name and a token or a password."""


def address_of(scope: Scope) -> str:
    """The client's address; empty where it is not known."""
    client = scope.get("client")
    return str(client[0]) if client else ""


async def actor_of(scope: Scope, authentication: Authenticates, limits: Limits, door: str) -> Actor:
    """Finds out who sends a request.

    Raises:
        InvalidInput: The Authorization header cannot be read.
        Unauthenticated: The credentials are wrong.
        RateLimited: Too many wrong passwords.
    """
    credentials = credentials_of(Headers(scope=scope))
    address = address_of(scope)
    if credentials is None:
        return authentication.anonymous(address, door)
    if isinstance(credentials, Basic):
        return await limits.run_sql(
            authentication.by_basic, credentials.username, credentials.secret, address, door
        )
    return await limits.run_sql(authentication.by_token, credentials.token, address, door)
