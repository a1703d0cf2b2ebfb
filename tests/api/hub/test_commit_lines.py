"""Bodies of commits, however they are cut and whatever is in them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.api.hub.commit_lines import CommitLines, lines
from modelkeep.domain.errors import ModelkeepError, TooLarge
from modelkeep.services.commits import AddFile, DeletePath

values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "path": values | st.just("a/b"),
        "content": values | st.just("aGk="),
        "encoding": values | st.sampled_from(["base64", "utf-8"]),
        "oid": values | st.just("0" * 64),
        "size": values,
        "algo": values | st.just("sha256"),
        "srcPath": values,
        "summary": values,
        "description": values,
        "parentCommit": values | st.just("abcdef1"),
    },
)
keys = (
    st.sampled_from(["header", "file", "lfsFile", "deletedFile", "deletedFolder", "copyFile", "?"]) | values
)


def kept(path: str, content: bytes) -> AddFile:
    return AddFile(path, content)


async def _all(chunks: list[bytes], limit: int, largest: int) -> list[bytes]:
    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return [line async for some in lines(body(), limit, largest) for line in some]


def split(chunks: list[bytes], limit: int = 1 << 30, largest: int = 1 << 20) -> list[bytes]:
    return asyncio.run(_all(chunks, limit, largest))


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8))
def test_lines_do_not_depend_on_where_the_body_is_cut(body: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    chunks = [body[start:stop] for start, stop in pairwise(places)]
    assert split(chunks) == [line for line in body.split(b"\n") if line.strip()]


def test_a_body_and_a_line_have_an_end() -> None:
    with pytest.raises(TooLarge):
        split([b"a\n" * 60] * 2, limit=200)
    with pytest.raises(TooLarge):
        split([b"a" * 2**19] * 5, largest=10)


@given(st.lists(st.tuples(keys, fields | values), max_size=6))
def test_foreign_lines_are_read_or_refused(sent: list[tuple[object, object]]) -> None:
    """Whatever comes: an error of ours, or operations on paths that are text and a message that is none too."""
    body = CommitLines(kept)
    try:
        for key, value in sent:
            body.take(json.dumps({"key": key, "value": value}).encode())
        message, parent = body.message, body.parent
    except ModelkeepError:
        return
    assert message.strip()
    assert parent is None or parent == parent.lower()
    assert all(isinstance(one.path, str) for one in body.operations)
    puts = [one.path for one in body.operations if not isinstance(one, DeletePath)]
    assert len(puts) == len(set(puts))


@given(st.binary(max_size=200))
def test_bytes_are_read_or_refused(line: bytes) -> None:
    with pytest.raises(ModelkeepError):
        CommitLines(kept).take(line)
