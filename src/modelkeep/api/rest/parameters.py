"""Parameters that many routes take: path segments, pages, filters."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, overload

from fastapi import Depends, Path, Query
from pydantic import AfterValidator

from modelkeep.api.http.raw_path import segment
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.moments import parse_moment
from modelkeep.domain.paging import MAX_LIMIT, PageRequest

LONGEST_SEGMENT = 500


def _finished(value: str) -> str:
    decoded = segment(value)
    if len(decoded) > LONGEST_SEGMENT:
        raise InvalidInput(
            f"A name in the path is longer than {LONGEST_SEGMENT} characters.", code="invalid_name"
        )
    return decoded


def _finished_path(value: str) -> str:
    return segment(value)


async def _page(
    limit: Annotated[
        int | None, Query(description=f"At most this many, 1 to {MAX_LIMIT}; 50 if left out.")
    ] = None,
    cursor: Annotated[
        str | None, Query(description="Where to go on: the `next_cursor` of the page before.")
    ] = None,
) -> PageRequest:
    return PageRequest.parse(limit, cursor)


@overload
def moment(text: str) -> datetime: ...
@overload
def moment(text: str | None) -> datetime | None: ...
def moment(text: str | None) -> datetime | None:
    """The moment that a parameter names, None where it was left out.

    Raises:
        InvalidInput: It is no time.
    """
    return None if text is None else parse_moment(text)


Name = Annotated[str, Path(), AfterValidator(_finished)]
"""A segment of the path: a name that may hold encoded slashes."""

Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
"""A number that the hub gave."""

FilePath = Annotated[str, Path(description="A path in the repo."), AfterValidator(_finished_path)]
"""The rest of the path, slashes and all."""

Revision = Annotated[
    str,
    Path(
        description="A branch, tag, commit id (also shortened), `artifact@latest`, `artifact@v1.2.3` or "
        "`artifact#stage`, percent-encoded: `/` is `%2F`, `#` is `%23`."
    ),
    AfterValidator(_finished),
]

PageOf = Annotated[PageRequest, Depends(_page)]

At = Annotated[
    str | None,
    Query(
        max_length=100,
        description="As it stood then: `2026-03-01` (its first instant in UTC) or `2026-03-01T09:00Z`.",
    ),
]

Filter = Annotated[str | None, Query(max_length=500, description="Only of this one.")]

Search = Annotated[
    str | None, Query(max_length=200, description="Only what has this in its name, without case.")
]
