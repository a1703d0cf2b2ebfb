"""Putting one object into LFS: resumed where the hub offers tus, confirmed, tried again with a new offer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from modelkeep.sdk.errors import BadAnswer, Refused, TransferFailed, Unreachable
from modelkeep.sdk.http import Connection, retry_after_of
from modelkeep.sdk.lfs import LfsAction, LfsObject, UploadOffer, confirm
from modelkeep.sdk.local_files import LocalFile
from modelkeep.sdk.retries import RETRIED_STATUSES
from modelkeep.sdk.workers import StopSignal

TUS_THRESHOLD = 8 * 1024 * 1024
"""From this many bytes on an upload is worth resuming."""

_TUS_VERSION = {"Tus-Resumable": "1.0.0"}
_WITH_NEW_OFFER = RETRIED_STATUSES | {400, 401, 403, 404, 408, 409, 410, 460, 500}
"""What a new offer may cure: expired ones, bytes changed on the way (400), offsets that moved (409)."""

_PATIENCE = 600.0


class Offers(Protocol):
    """Asks the hub for a new offer; None when it has the object meanwhile."""

    def __call__(self) -> UploadOffer | None:
        """Asks."""


def store(
    connection: Connection,
    file: LocalFile,
    one: LfsObject,
    offer: UploadOffer | None,
    renew: Offers,
    *,
    each: Callable[[int], None],
    stop: StopSignal,
) -> None:
    """Uploads one object. It goes on while bytes keep moving, and gives up after a few tries without.

    Args:
        connection: To the hub.
        file: Holds the bytes.
        one: Their oid and size.
        offer: How to upload it; None if the hub has it.
        renew: Gets another offer after a failure.
        each: Called with the bytes that have gone out.
        stop: Asked between chunks.

    Raises:
        LocalProblem: The file changed since it was hashed.
        TransferFailed: The hub has not taken it.
        Refused: The hub refuses it for good.
        Unreachable: No connection, also after the tries.
    """
    failures, furthest = 0, 0

    def tell(position: int) -> None:
        nonlocal furthest, failures
        if position > furthest and offer is not None and offer.transfer == "tus":
            furthest, failures = position, 0
        each(position)
        stop.check()

    while offer is not None:
        try:
            _send(connection, file, one, offer, tell)
            if offer.verify is not None:
                confirm(connection, offer.verify, one)
            return
        except (Refused, Unreachable) as error:
            failures += 1
            wait = connection.policy.delay(
                failures, retry_after_of(error) if isinstance(error, Refused) else None
            )
            if wait is None or (isinstance(error, Refused) and error.status not in _WITH_NEW_OFFER):
                raise TransferFailed(f"{file.path}: {error}") from error
            connection.policy.sleep(wait)
            stop.check()
            offer = renew()


def _send(
    connection: Connection, file: LocalFile, one: LfsObject, offer: UploadOffer, each: Callable[[int], None]
) -> None:
    if offer.transfer == "tus":
        _send_rest(connection, file, one, offer.upload, each)
    elif offer.transfer == "basic":
        _send_whole(connection, file, one, offer.upload, each)
    else:
        raise BadAnswer(f"The hub chose the LFS transfer {offer.transfer[:40]!r}, which was not offered.")


def _send_whole(
    connection: Connection, file: LocalFile, one: LfsObject, action: LfsAction, each: Callable[[int], None]
) -> None:
    """The ``basic`` transfer: PUT of all bytes."""
    headers = {"Content-Type": "application/octet-stream", **action.headers, "Content-Length": str(one.size)}
    with file.opened() as descriptor:
        content = file.chunks(descriptor, 0, each)
        with connection.open(
            "PUT", action.href, headers=headers, content=content, is_anonymous=True, patience=_PATIENCE
        ) as answer:
            answer.read()


def _send_rest(
    connection: Connection, file: LocalFile, one: LfsObject, action: LfsAction, each: Callable[[int], None]
) -> None:
    """The ``tus`` transfer (core protocol 1.0.0): HEAD says how much is there, PATCH brings the rest."""
    with connection.open(
        "HEAD", action.href, headers={**_TUS_VERSION, **action.headers}, is_anonymous=True
    ) as answer:
        start = _offset(answer.headers.get("Upload-Offset"), one)
    each(start)
    headers = {
        **_TUS_VERSION,
        **action.headers,
        "Upload-Offset": str(start),
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(one.size - start),
    }
    with file.opened() as descriptor:
        content = file.chunks(descriptor, start, each)
        with connection.open(
            "PATCH", action.href, headers=headers, content=content, is_anonymous=True, patience=_PATIENCE
        ) as answer:
            answer.read()
            reached = _offset(answer.headers.get("Upload-Offset"), one)
    if reached != one.size:
        raise Unreachable(f"{file.path}: the hub took {reached} of {one.size} bytes.")


def _offset(header: str | None, one: LfsObject) -> int:
    if (
        header is None
        or not header.isascii()
        or not header.isdigit()
        or len(header) > 19
        or int(header) > one.size
    ):
        raise BadAnswer("The hub's tus answer has no usable Upload-Offset.")
    return int(header)
