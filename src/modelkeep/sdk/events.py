"""The events of a repo: those so far, and those to come (server-sent events, WHATWG HTML section 9.2)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

import httpx

from modelkeep.sdk.errors import BadAnswer, NotFound, Refused, Unreachable
from modelkeep.sdk.http import Connection, retry_after_of
from modelkeep.sdk.models_events import Event
from modelkeep.sdk.retries import RETRIED_STATUSES, RetryPolicy
from modelkeep.sdk.wire import Record

_LONGEST_LINE = 1024 * 1024
_SILENCE = 60.0
"""Seconds without a byte after which the connection counts as lost; the hub says something every 15."""
_ABSENCE = 600.0
"""Seconds of waiting for a hub that has been there: it may be restarted, upgraded, moved."""


def follow(connection: Connection, path: str, after: str | None, types: Sequence[str]) -> Iterator[Event]:
    """The events after ``after`` as they happen, without an end.

    A connection that is lost is made again and goes on after the last event, so that none is left out and none comes
    twice. A hub that has answered once is waited for while it is away.

    Raises:
        Unreachable: The hub has not answered in several tries, or was away for ten minutes.
        Refused: It refuses.
    """
    last, failures, absence = after, 0, _Absence(connection.policy)
    while True:
        error: Refused | Unreachable
        try:
            for sequence, event in _stream(connection, path, last, types):
                failures, last = 0, sequence or last
                absence.ends()
                if event is not None:
                    yield event
            error = Unreachable(f"{path}: the stream of events ended.")
        except Unreachable as cut:
            error = cut
        except Refused as refused:
            if refused.status not in RETRIED_STATUSES:
                raise
            error = refused
        failures += 1
        wait = absence.delay(failures, retry_after_of(error) if isinstance(error, Refused) else None)
        if wait is None:
            raise error
        connection.policy.sleep(wait)


class _Absence:
    """How long to wait for a hub: as the policy says, and longer for one that has been there."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._waited: float | None = None

    def ends(self) -> None:
        """The hub is there."""
        self._waited = 0.0

    def delay(self, failures: int, retry_after: float | None) -> float | None:
        """Seconds to wait after the ``failures``-th failure in a row; None when it is time to give up."""
        last = self._policy.tries - 1
        if self._waited is None or not last or self._waited >= _ABSENCE:
            return self._policy.delay(failures, retry_after)
        wait = self._policy.delay(min(failures, last), retry_after)
        self._waited += wait or 0.0
        return wait


def _stream(
    connection: Connection, path: str, last: str | None, types: Sequence[str]
) -> Iterator[tuple[str, Event | None]]:
    """One connection's events with their sequences; None for each sign of life in between."""
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if last is not None:
        headers["Last-Event-ID"] = last
    params = {"type": list(types)} if types else None
    with connection.open(
        "GET", connection.url + path, headers=headers, params=params, patience=_SILENCE
    ) as answer:
        if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            raise BadAnswer(f"{path}: the answer is no stream of events. Is the hub an older one?")
        yield from read_stream(_lines(answer), path)


def read_stream(lines: Iterable[str], where: str) -> Iterator[tuple[str, Event | None]]:
    """Reads a stream of events line by line; None for what is only a sign of life, or a place to go on from.

    Raises:
        BadAnswer: The data of an event is not what a hub sends.
        NotFound: The hub ends the stream for good: the repo is gone, or the right to read it.
    """
    data: list[str] = []
    sequence = kind = ""
    for line in lines:
        if line.startswith(":"):
            yield sequence, None
        elif line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                data.append(value)
            elif name == "event":
                kind = value
            elif name == "id" and "\0" not in value:
                sequence = value
        else:
            if data:
                record = Record(_parse("\n".join(data), where), where)
                if kind == "end":
                    raise NotFound(
                        record.text("detail", "The stream has ended."),
                        status=404,
                        code=record.text("code", ""),
                    )
                yield sequence, Event.read(record, sequence)
            else:
                yield sequence, None
            data, kind = [], ""


def _parse(text: str, where: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadAnswer(f"{where}: an event of the stream is not JSON.") from None


def _lines(answer: httpx.Response) -> Iterator[str]:
    """The lines of a stream, none of them endless."""
    rest = bytearray()
    for chunk in answer.iter_bytes():
        rest += chunk
        *whole, last = bytes(rest).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")
        rest = bytearray(last)
        if len(rest) > _LONGEST_LINE:
            raise BadAnswer("An event of the stream is too long.")
