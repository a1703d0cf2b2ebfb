"""From the hub's answers to LFS JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from modelkeep.domain.repos import Lock
from modelkeep.services.lfs import Answer, Batch

Json = dict[str, object]

MEDIA_TYPE = "application/vnd.git-lfs+json"


def batch(answer: Batch, base: str) -> Json:
    """The body of a batch answer.

    Args:
        answer: What the service decided.
        base: The absolute URL of the repo's LFS API, without a slash at the end.
    """
    return {
        "transfer": answer.transfer,
        "objects": [_object(item, answer, base) for item in answer.answers],
        "hash_algo": "sha256",
    }


def lock(value: Lock) -> Json:
    """A lock, as clients know it."""
    return {
        "id": value.id,
        "path": value.path,
        "locked_at": value.locked_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "owner": {"name": value.owner_name},
    }


def locks(values: Sequence[Lock], next_cursor: str | None) -> Json:
    """A page of locks."""
    body: Json = {"locks": [lock(value) for value in values]}
    return {**body, "next_cursor": next_cursor} if next_cursor else body


def locks_for_push(ours: Sequence[Lock], theirs: Sequence[Lock], next_cursor: str | None) -> Json:
    """A page of locks before a push."""
    body: Json = {"ours": [lock(value) for value in ours], "theirs": [lock(value) for value in theirs]}
    return {**body, "next_cursor": next_cursor} if next_cursor else body


def _object(item: Answer, answer: Batch, base: str) -> Json:
    body: Json = {"oid": item.oid, "size": item.size}
    if item.code is not None:
        return {**body, "error": {"code": item.code, "message": item.message}}
    if item.ticket is None:
        return body
    actions: Json = {}
    if item.verify is None:
        actions["download"] = _action(f"{base}/objects/{item.oid}?ticket={item.ticket}", answer.lifetime)
    else:
        actions["upload"] = _upload(item, answer, base)
        actions["verify"] = _action(f"{base}/verify?ticket={item.verify}", answer.lifetime)
    return {**body, "authenticated": True, "actions": actions}


def _upload(item: Answer, answer: Batch, base: str) -> Json:
    url = f"{base}/objects/{item.oid}"
    if answer.transfer == "multipart":
        # The headers are no headers: huggingface_hub finds the part URLs there, by their numbers.
        header = {"chunk_size": str(answer.part_size_of(item.size))}
        header |= {
            str(number): f"{url}/parts/{number}?ticket={ticket}"
            for number, ticket in enumerate(item.parts, start=1)
        }
        return {**_action(f"{url}/complete?ticket={item.ticket}", answer.lifetime), "header": header}
    action = _action(f"{url}?ticket={item.ticket}", answer.lifetime)
    return (
        {**action, "header": {"Content-Type": "application/octet-stream"}}
        if answer.transfer == "basic"
        else action
    )


def _action(href: str, lifetime: int) -> Json:
    return {"href": href, "expires_in": lifetime}
