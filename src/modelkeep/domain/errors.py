"""The error tree: kinds, not cases.

::

    ModelkeepError
    ├── InvalidInput      what was sent cannot be right, whoever sends it
    ├── Unauthenticated   nobody is signed in, or the credentials are wrong
    ├── NotPermitted      signed in, may see the thing, may not do this to it
    ├── NotFound          absent, or not to be seen by this actor (the two look the same)
    ├── AlreadyExists     the name is taken
    ├── Conflict          the thing changed meanwhile, or something depends on it
    ├── TooLarge          over a size or count limit
    ├── RateLimited       too often; ``retry_after`` seconds
    └── Unavailable       a part of the hub cannot answer now

Each error has a stable ``code`` (for programs), a message safe to show to a user, and named fields. HTTP statuses live
with the protocols, because the same error differs between them.
"""

from __future__ import annotations

from collections.abc import Mapping

FieldValue = str | int | float | bool | None | list[str] | list[dict[str, str]]


class ModelkeepError(Exception):
    """Base of every error that Modelkeep raises on purpose.

    Args:
        message: One or two sentences for the user: what was wrong, where, and what to do next.
        code: A stable identifier in lower_snake_case; the default is that of the kind.
        fields: Details for programs, JSON-compatible.
    """

    kind = "error"

    def __init__(self, message: str, *, code: str | None = None, **fields: FieldValue) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.kind
        self.fields: Mapping[str, FieldValue] = fields


class InvalidInput(ModelkeepError):
    """What was sent cannot be right; sending it again will not help."""

    kind = "invalid_input"


class Unauthenticated(ModelkeepError):
    """No credentials, or wrong ones. Edges answer with a challenge."""

    kind = "unauthenticated"


class NotPermitted(ModelkeepError):
    """The actor may see the thing but may not do this to it."""

    kind = "not_permitted"


class NotFound(ModelkeepError):
    """Absent, or hidden from this actor: the two must not be told apart."""

    kind = "not_found"


class AlreadyExists(ModelkeepError):
    """The name is taken."""

    kind = "already_exists"


class Conflict(ModelkeepError):
    """The state has changed meanwhile, or something else depends on it."""

    kind = "conflict"


class TooLarge(ModelkeepError):
    """Over a limit of size or count; the message names the limit."""

    kind = "too_large"


class RateLimited(ModelkeepError):
    """Too many tries. ``retry_after`` is in whole seconds."""

    kind = "rate_limited"

    def __init__(
        self, message: str, *, retry_after: int, code: str | None = None, **fields: FieldValue
    ) -> None:
        super().__init__(message, code=code, retry_after=retry_after, **fields)
        self.retry_after = retry_after


class Unavailable(ModelkeepError):
    """A part of the hub cannot answer now; trying again later may help."""

    kind = "unavailable"


KINDS: tuple[type[ModelkeepError], ...] = (
    InvalidInput,
    Unauthenticated,
    NotPermitted,
    NotFound,
    AlreadyExists,
    Conflict,
    TooLarge,
    RateLimited,
    Unavailable,
)
