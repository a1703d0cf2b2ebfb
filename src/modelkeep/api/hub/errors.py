"""From domain errors to what the Hub's clients read: a status, ``X-Error-Code`` and ``X-Error-Message``.

The clients map the code to an exception, and show the message. Of statuses without a code a 401 counts as "no such
repo" for them, unless its message is :data:`INVALID_CREDENTIALS`.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import JSONResponse

from modelkeep.api.http.plain_errors import STATUS
from modelkeep.domain.errors import ModelkeepError

CODES = {
    "repo_not_found": "RepoNotFound",
    "namespace_not_found": "RepoNotFound",
    "unauthenticated": "RepoNotFound",
    "revision_not_found": "RevisionNotFound",
    "branch_not_found": "RevisionNotFound",
    "commit_not_found": "RevisionNotFound",
    "empty_repo": "RevisionNotFound",
    "invalid_revision": "RevisionNotFound",
    "file_not_found": "EntryNotFound",
    "path_not_found": "EntryNotFound",
    "path_missing": "EntryNotFound",
    "gated_repo": "GatedRepo",
}
"""``X-Error-Code`` by the error's own code."""

INVALID_CREDENTIALS = "Invalid credentials in Authorization header"

_STATUS_BY_CODE = {"branch_moved": 412, "invalid_path": 422, "invalid_revision": 404, "path_missing": 404}
_MESSAGES = {
    "branch_moved": "The branch was updated since you opened this page. Please refresh and try again.",
    "bad_credentials": INVALID_CREDENTIALS,
    "repo_not_found": "Repository not found",
    "unauthenticated": "Repository not found, or sign in first: send a token.",
}
"""The words that the clients look for, or show; what they say themselves they do not show twice."""


def hub_error(error: ModelkeepError, request_id: str, *, is_anonymous: bool = False) -> JSONResponse:
    """The answer for an error.

    Args:
        error: What went wrong.
        request_id: Of the request.
        is_anonymous: Nobody was signed in: a gated repo is then a matter of signing in.
    """
    status = _STATUS_BY_CODE.get(error.code) or next(
        code for kind, code in STATUS.items() if isinstance(error, kind)
    )
    if error.code == "gated_repo" and is_anonymous:
        status = 401
    message = _MESSAGES.get(error.code, error.message)
    headers = {
        "Cache-Control": "no-store",
        "X-Error-Message": header_text(message),
        "X-Request-Id": request_id,
    }
    if error.code in CODES:
        headers["X-Error-Code"] = CODES[error.code]
    if isinstance(commit := error.fields.get("commit"), str):
        # By this header clients remember that a file is not there.
        headers["X-Repo-Commit"] = commit
    if isinstance(seconds := error.fields.get("retry_after"), int):
        headers["Retry-After"] = str(seconds)
    return JSONResponse({"error": message}, status, headers)


def header_text(message: str) -> str:
    """A message as a header may carry it: one line, of characters that HTTP allows."""
    line = " ".join(message.split())
    return (
        line if line.isascii() and line.isprintable() else quote(line, safe=" !\"#$&'()*+,/:;<=>?@[]^_`{|}~")
    )
