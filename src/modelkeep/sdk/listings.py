"""Lists of a hub, fetched while they are read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from modelkeep.sdk.html import MOST_ROWS, table
from modelkeep.sdk.http import Connection, Params
from modelkeep.sdk.wire import Record

T = TypeVar("T")


class Listing(Iterable[T], Generic[T]):
    """A list that may be long: each loop over it asks the hub anew, page by page, and keeps nothing.

    ``list(listing)`` has all of it, :meth:`up_to` and :meth:`first` a part. A notebook shows the first rows as a
    table. Threads may loop over one at the same time. A loop raises subclasses of
    :class:`modelkeep.sdk.errors.HubError`, also after it has begun.

    Attributes:
        columns: The fields that a table of it shows.
    """

    def __init__(
        self,
        connection: Connection,
        path: str,
        read: Callable[[Record], T],
        params: Params | None = None,
        *,
        columns: Sequence[str] = (),
    ) -> None:
        self._connection = connection
        self._path = path
        self._read = read
        self._params = dict(params or {})
        self.columns = tuple(columns)

    def __iter__(self) -> Iterator[T]:
        return self.up_to(None)

    def __repr__(self) -> str:
        return f"<Listing of {self._path}>"

    def up_to(self, count: int | None) -> Iterator[T]:
        """At most ``count`` items, or all of them; no more are fetched than are needed."""
        params = dict(self._params)
        if count is not None:
            params["limit"] = max(1, min(count, self._connection.page_size))
        records = self._connection.pages(self._path, params)
        return (self._read(record) for record in itertools.islice(records, count))

    def first(self) -> T | None:
        """The first item; None where there is none."""
        return next(self.up_to(1), None)

    def _repr_html_(self) -> str:
        rows = list(self.up_to(MOST_ROWS + 1))
        return table(rows, self.columns)
