"""What is said when a command fails: what to do about each reason, and no traceback for what can be expected."""

from __future__ import annotations

from modelkeep.cli.output import printable
from modelkeep.domain.errors import ModelkeepError
from modelkeep.sdk.errors import Failed, HubError, Refused, Unauthenticated, Unavailable


def explain(error: Exception) -> str | None:
    """The message for an error; None for one that nobody expects, whose traceback is worth having."""
    if isinstance(error, Refused):
        return _explain_refusal(error)
    if isinstance(error, (HubError, ModelkeepError)):
        return printable(str(error))
    if isinstance(error, OSError) and error.strerror:
        return printable(f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}.")
    return None


def _explain_refusal(error: Refused) -> str:
    lines = [printable(line) for line in error.message.split("\n")]
    if isinstance(error, Unauthenticated):
        lines.append("Log in with 'modelkeep login', or pass a token by --token or MODELKEEP_TOKEN.")
    if error.code == "scope_missing":
        lines.append("Make a token with that scope, for instance by 'modelkeep login --scope admin'.")
    lines += [f"  - {printable(item)}" for item in _dependants(error)]
    if isinstance(error, (Failed, Unavailable)) and error.request_id:
        lines.append(f"Request id: {printable(error.request_id)}")
    return "\n".join(lines)


def _dependants(error: Refused) -> list[str]:
    listed = error.fields.get("dependants")
    if not isinstance(listed, list):
        return []
    return [
        " ".join(str(item[key]) for key in ("kind", "name") if key in item)
        for item in listed
        if isinstance(item, dict)
    ]
