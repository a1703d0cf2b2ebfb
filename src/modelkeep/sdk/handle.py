"""What everything that speaks about one repo has in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TypeAlias, TypeVar

from modelkeep.sdk.addresses import api_path, split_repo
from modelkeep.sdk.http import Connection, Json, Params
from modelkeep.sdk.listings import Listing
from modelkeep.sdk.wire import Record

T = TypeVar("T")
When: TypeAlias = datetime | date | str
"""A point in time: a datetime (local time if it has no zone), a date (its first instant, in UTC), or text as the hub
reads it."""


class Handle:
    """Speaks about one repo, without a request of its own.

    Args:
        connection: To the hub.
        name: The repo's full name, ``namespace/name``.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._segments = ("repos", *split_repo(name))
        self.name = "/".join(self._segments[1:])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def _path(self, *segments: str) -> str:
        return api_path(*self._segments, *segments)

    def _get(self, *segments: str, params: Params | None = None) -> Record:
        return self._connection.get(self._path(*segments), params)

    def _list(
        self,
        read: Callable[[Record], T],
        *segments: str,
        params: Params | None = None,
        columns: Sequence[str] = (),
    ) -> Listing[T]:
        return Listing(self._connection, self._path(*segments), read, params, columns=columns)

    def _send(self, method: str, *segments: str, body: Mapping[str, Json]) -> Record:
        """Sends JSON and reads the object that comes back."""
        path = self._path(*segments)
        return Record.parse(self._connection.send(method, path, body=body), path)


def given(**fields: Json) -> dict[str, Json]:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def when(moment: When | None) -> str | None:
    """A point in time as the hub reads it.

    >>> from datetime import UTC
    >>> when(datetime(2026, 3, 1, 9, tzinfo=UTC)), when(date(2026, 3, 1)), when("2026-03-01T09:00Z")
    ('2026-03-01T09:00:00+00:00', '2026-03-01', '2026-03-01T09:00Z')
    """
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.astimezone()).isoformat()
    return moment.isoformat() if isinstance(moment, date) else moment
