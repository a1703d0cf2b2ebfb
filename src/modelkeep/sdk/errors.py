"""The SDK's error tree.

::

    HubError
    ├── NoHub             no hub was named, and no log-in is saved
    ├── Unreachable       no answer: connection refused, cut or too slow
    ├── BadAnswer         something answered, but not as a hub does
    ├── TransferFailed    a file could not be moved whole
    │   └── ContentMismatch   its bytes are not those that its checksum names
    ├── LocalProblem      a local file or folder is not as it must be
    │   └── UnsafePath        writing it would leave the target folder
    └── Refused           the hub said no; carries status, code, request_id and fields
        ├── InvalidInput      ├── NotPermitted    ├── AlreadyExists    ├── TooLarge       ├── Unavailable
        ├── Unauthenticated   ├── NotFound        ├── Conflict         ├── RateLimited    └── Failed
"""

from __future__ import annotations

from collections.abc import Mapping


class HubError(Exception):
    """Base of every error that the SDK raises on purpose; its text is for people."""


class NoHub(HubError):
    """Nobody said which hub to speak to, or which credentials to use could not be read."""


class Unreachable(HubError):
    """The hub did not answer: refused, cut or timed out, also after the retries."""


class BadAnswer(HubError):
    """Something answered that is no hub, or a hub of another generation."""


class TransferFailed(HubError):
    """A file could not be moved whole. What arrived is kept, so that a repetition continues."""


class ContentMismatch(TransferFailed):
    """The bytes that arrived are not those that the checksum names, twice in a row."""


class LocalProblem(HubError):
    """A local file or folder is missing, unreadable, in the way, or changed while it was read."""


class UnsafePath(LocalProblem):
    """A path of the repo would be written outside the target folder, or over another file of the repo."""


class Refused(HubError):
    """The hub understood and said no.

    Attributes:
        message: What the hub said, for people.
        status: The HTTP status.
        code: The hub's stable name of the reason (``not_found``, ``branch_protected``, …).
        request_id: What to quote to the hub's operators; empty where the answer had none.
        fields: Details for programs, as the hub sent them.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str = "",
        request_id: str = "",
        fields: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        self.fields: Mapping[str, object] = fields or {}


class InvalidInput(Refused):
    """What was sent cannot be right; sending it again will not help (400, 422)."""


class Unauthenticated(Refused):
    """No credentials, wrong ones, or expired ones (401)."""


class NotPermitted(Refused):
    """Signed in, but without the right (403)."""


class NotFound(Refused):
    """Absent, or hidden from this user (404, 410)."""


class AlreadyExists(Refused):
    """The name is taken (409, code ``already_exists``)."""


class Conflict(Refused):
    """The state has changed meanwhile, or something depends on it (409, 412)."""


class TooLarge(Refused):
    """Over a limit of size or count (413)."""


class RateLimited(Refused):
    """Too often (429); ``retry_after`` is in seconds, None where the hub did not say."""

    retry_after: float | None = None


class Unavailable(Refused):
    """The hub, or a proxy before it, cannot answer now (502, 503, 504)."""


class Failed(Refused):
    """Any other status: most likely a defect of the hub. Quote the request id when reporting it."""


_BY_STATUS: Mapping[int, type[Refused]] = {
    400: InvalidInput,
    401: Unauthenticated,
    403: NotPermitted,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    412: Conflict,
    413: TooLarge,
    422: InvalidInput,
    429: RateLimited,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def refusal_class(status: int, kind: str) -> type[Refused]:
    """The class for an answer: by status, and for 409 also by the kind of error."""
    if status == 409 and kind == "already_exists":
        return AlreadyExists
    return _BY_STATUS.get(status, Failed)
