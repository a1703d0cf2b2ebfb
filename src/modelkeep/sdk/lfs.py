"""The client's side of the Git LFS batch API: asking where to put objects (git-lfs, docs/api/batch.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urljoin

from modelkeep.sdk.addresses import origin_of, split_repo
from modelkeep.sdk.errors import BadAnswer, TransferFailed
from modelkeep.sdk.http import Connection
from modelkeep.sdk.wire import Record

MEDIA_TYPE = "application/vnd.git-lfs+json"
GROUP = 100
"""Objects per batch request, as the stock client asks."""


@dataclass(frozen=True, slots=True)
class LfsObject:
    """What LFS keeps: the SHA-256 and the size in bytes."""

    oid: str
    size: int


@dataclass(frozen=True, slots=True)
class LfsAction:
    """One request that the hub allows: where to, and with which headers."""

    href: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UploadOffer:
    """How to upload an object: the transfer's name, where to, and where to confirm it (None: nowhere)."""

    transfer: str
    upload: LfsAction
    verify: LfsAction | None


def offer_uploads(
    connection: Connection, repo: str, objects: Sequence[LfsObject], transfers: Sequence[str], ref: str | None
) -> dict[str, UploadOffer]:
    """Asks the hub how to upload some objects; those that it has already are not in the answer.

    Args:
        connection: To the hub.
        repo: The repo's full name.
        objects: At most :data:`GROUP`.
        transfers: Those that the caller speaks, the preferred first.
        ref: The full name of the branch that they are for, if it is known.

    Raises:
        TransferFailed: The hub refuses an object; the message has its reason.
        Refused: The hub refuses the whole request.
        BadAnswer: The answer is not what the specification says.
    """
    namespace, name = split_repo(repo)
    path = f"/{quote(namespace, safe='')}/{quote(name, safe='')}.git/info/lfs/objects/batch"
    body = connection.send(
        "POST",
        path,
        body={
            "operation": "upload",
            "transfers": list(transfers),
            "objects": [{"oid": one.oid, "size": one.size} for one in objects],
            "hash_algo": "sha256",
            **({"ref": {"name": ref}} if ref else {}),
        },
        headers={"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE},
        is_repeatable=True,
    )
    return _read_answer(connection, Record.parse(body, "LFS batch"), {one.oid for one in objects})


def confirm(connection: Connection, action: LfsAction, one: LfsObject) -> None:
    """Asks the hub to confirm that it holds an object (the ``verify`` action).

    Raises:
        Refused: It does not.
        Unreachable: No answer.
    """
    body = json.dumps({"oid": one.oid, "size": one.size}).encode()
    headers = {
        "Accept": MEDIA_TYPE,
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        **action.headers,
    }
    with connection.open(
        "POST", action.href, headers=headers, content=iter((body,)), is_anonymous=True
    ) as answer:
        answer.read()


def _read_answer(connection: Connection, answer: Record, asked: set[str]) -> dict[str, UploadOffer]:
    transfer = answer.text("transfer", "basic")
    if answer.text("hash_algo", "sha256") != "sha256":
        raise BadAnswer("The hub wants a hash algorithm for LFS that is not SHA-256.")
    offers: dict[str, UploadOffer] = {}
    answered = set()
    for item in answer.records("objects"):
        oid = item.text("oid")
        answered.add(oid)
        error = item.optional_record("error")
        if error is not None:
            raise TransferFailed(
                f"The hub refuses the object {oid}: {error.text('message', 'no reason given')}"
            )
        actions = item.optional_record("actions")
        if actions is None or "upload" not in actions:
            continue
        offers[oid] = UploadOffer(
            transfer,
            _read_action(connection, item, actions.record("upload")),
            _read_action(connection, item, actions.record("verify")) if "verify" in actions else None,
        )
    if not asked <= answered:
        raise BadAnswer("The hub's LFS answer leaves objects out.")
    return offers


def _read_action(connection: Connection, item: Record, action: Record) -> LfsAction:
    """Reads where to send; credentials go only to the hub itself, and only if the answer has none."""
    href = urljoin(connection.url + "/", action.text("href"))
    if origin_of(href)[0] == "http" and origin_of(connection.url)[0] == "https":
        raise BadAnswer("The hub sends an upload from https to http; it is not followed.")
    headers = action.text_map("header")
    if any(not _is_header(name, value) for name, value in headers.items()):
        raise BadAnswer("The hub's LFS answer has a header that cannot be sent.")
    has_own = item.boolean("authenticated") or _names(headers) & {"authorization"}
    return LfsAction(href, headers if has_own else {**connection.authorization_for(href), **headers})


def _names(headers: Iterable[str]) -> set[str]:
    return {name.lower() for name in headers}


def _is_header(name: str, value: str) -> bool:
    is_token = name.isascii() and all(sign.isalnum() or sign in "-_" for sign in name)
    return bool(name) and is_token and value.isascii() and value.isprintable()
