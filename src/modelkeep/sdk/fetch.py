"""Fetching one content into a part, from where an earlier try ended, until its checksum is right."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from modelkeep.sdk.digests import CHUNK, Digests, digest_open_file
from modelkeep.sdk.errors import BadAnswer, ContentMismatch, LocalProblem, Refused, Unreachable
from modelkeep.sdk.folder import TargetFolder, write_all
from modelkeep.sdk.http import Connection, retry_after_of
from modelkeep.sdk.retries import RETRIED_STATUSES
from modelkeep.sdk.workers import StopSignal

_RESERVE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes named by their checksum: the SHA-256 for what LFS keeps, the Git blob id otherwise."""

    id: str
    size: int
    is_lfs: bool

    def is_named_by(self, digests: Digests) -> bool:
        """Whether bytes with these digests are this content."""
        return self.id == (digests.sha256 if self.is_lfs else digests.blob_id)


class _Restart(Exception):
    """What is in the part cannot be continued."""


def fetch(
    connection: Connection,
    url: str,
    target: TargetFolder,
    content: Content,
    *,
    each: Callable[[int], None],
    stop: StopSignal,
) -> str:
    """Fetches ``content`` into its part in ``target`` and gives its SHA-256.

    A cut connection is taken up where it ended, as often as bytes keep coming. The part is trusted only after
    its checksum; if that is wrong the part is dropped and fetched once more from the start.

    Args:
        connection: To the hub.
        url: Where the content is.
        target: Holds the part, called by the content's id.
        content: What it must be.
        each: Called with the bytes so far.
        stop: Asked between chunks.

    Raises:
        ContentMismatch: The bytes are wrong twice.
        Refused: The hub said no.
        Unreachable: The connection was cut and nothing more came in several tries.
        LocalProblem: The disk is full, or fails.
    """
    for _ in range(2):
        with target.open_part(content.id) as descriptor:
            part = _Part(descriptor, content, stop)
            _check_space(target, part)
            _fill(connection, url, part, each, stop)
        if content.is_named_by(part.digests):
            return part.digests.sha256
        target.discard_part(content.id)
    raise ContentMismatch(
        f"{url}: what arrived has the SHA-256 {part.digests.sha256}, which is not what the repo names "
        f"({content.id}). Nothing was kept."
    )


class _Part:
    """What has arrived: the open file, how much it has, and the digests of just that."""

    def __init__(self, descriptor: int, content: Content, stop: StopSignal) -> None:
        self._descriptor = descriptor
        self.content = content
        self.position = os.fstat(descriptor).st_size
        if self.position > content.size:
            self.restart()
        else:
            self.digests = digest_open_file(
                descriptor, content.size, with_blob_id=not content.is_lfs, each=lambda _: stop.check()
            )

    def append(self, chunk: bytes) -> None:
        """Writes the next bytes."""
        write_all(self._descriptor, chunk)
        self.digests.update(chunk)
        self.position += len(chunk)

    def restart(self) -> None:
        """Empties it."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self.digests = Digests(self.content.size, with_blob_id=not self.content.is_lfs)
        self.position = 0


def _fill(
    connection: Connection, url: str, part: _Part, each: Callable[[int], None], stop: StopSignal
) -> None:
    """Continues the part until it has the content's size."""
    failures = 0
    while part.position < part.content.size:
        before = part.position
        error: Refused | Unreachable | BadAnswer
        try:
            _receive(connection, url, part, each, stop)
            error = Unreachable(f"{url}: the answer ended early.")
        except _Restart:
            part.restart()
            error = BadAnswer(f"{url}: the hub does not continue a file where it ended.")
        except (Refused, Unreachable) as cut:
            if isinstance(cut, Refused) and cut.status not in RETRIED_STATUSES:
                raise
            error = cut
        if part.position < part.content.size:
            failures = 1 if part.position > before else failures + 1
            wait = connection.policy.delay(
                failures, retry_after_of(error) if isinstance(error, Refused) else None
            )
            if wait is None:
                raise error
            connection.policy.sleep(wait)
            stop.check()


def _receive(
    connection: Connection, url: str, part: _Part, each: Callable[[int], None], stop: StopSignal
) -> None:
    """One request; appends what it brings."""
    headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
    if part.position:
        headers["Range"] = f"bytes={part.position}-"
    try:
        with connection.open("GET", url, headers=headers) as answer:
            _check_answer(answer, url, part.position, part.content.size)
            each(part.position)
            told = part.position
            for chunk in answer.iter_raw():
                if part.position + len(chunk) > part.content.size:
                    raise BadAnswer(
                        f"{url}: the hub sends more than the {part.content.size} bytes it announced."
                    )
                part.append(chunk)
                stop.check()
                if part.position >= told + CHUNK:
                    told = part.position
                    each(told)
    except Refused as error:
        if error.status == 416:
            raise _Restart from error
        raise


def _check_answer(answer: httpx.Response, url: str, start: int, size: int) -> None:
    """Makes sure that the bytes that follow are those from ``start`` on (RFC 9110, section 14.4)."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise BadAnswer(f"{url}: the hub sends the file compressed, although it was asked not to.")
    if not start:
        if answer.status_code != 200:
            raise BadAnswer(f"{url}: unexpected status {answer.status_code}.")
        return
    if (
        answer.status_code == 206
        and answer.headers.get("Content-Range") == f"bytes {start}-{size - 1}/{size}"
    ):
        return
    raise _Restart


def _check_space(target: TargetFolder, part: _Part) -> None:
    needed = part.content.size - part.position
    if needed > _RESERVE and target.free_bytes() < needed:
        raise LocalProblem(
            f"{target.place}: one file needs {needed} more bytes, and {target.free_bytes()} are free. "
            "What is there already is kept; make room and start again."
        )
