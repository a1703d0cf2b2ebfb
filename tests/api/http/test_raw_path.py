"""Routing on the raw path: what a client encodes is data."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from modelkeep.api.http.raw_path import RawPathMiddleware, routing_path, segment
from modelkeep.api.http.request_id import RequestIdMiddleware
from modelkeep.domain.errors import InvalidInput


async def show(request: Request) -> JSONResponse:
    return JSONResponse([segment(request.path_params["revision"]), segment(request.path_params["path"])])


application = RequestIdMiddleware(
    RawPathMiddleware(Starlette(routes=[Route("/tree/{revision}/{path:path}", show)]))
)


async def get(path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://hub") as client:
        return await client.get(path)


@pytest.mark.parametrize(
    ("sent", "revision", "path"),
    [
        ("/tree/main/a/b", "main", "a/b"),
        ("/tree/feature%2Fx/a/b", "feature/x", "a/b"),
        ("/tree/feature%2fx/a", "feature/x", "a"),
        ("/tree/churn%23prod/a", "churn#prod", "a"),
        ("/tree/100%25/a%2520b", "100%", "a%20b"),
        ("/tree/%252F/a", "%2F", "a"),
        ("/tree/gr%C3%BC%C3%9Fe/%E6%A8%A1", "grüße", "模"),
        ("/tree/a%20b/c+d%3Fe%26f", "a b", "c+d?e&f"),
        ("/tree/main/...", "main", "..."),
        ("/tree/main/a?path=../..", "main", "a"),
    ],
)
def test_parameters_arrive_as_they_were(sent: str, revision: str, path: str) -> None:
    import anyio

    answer = anyio.run(get, sent)
    assert answer.status_code == 200
    assert answer.json() == [revision, path]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"tree",
        b"*",
        b"/a%00b",
        b"/a\x00b",
        b"/a%0Ab",
        b"/a%7F",
        b"/a%C2%85",
        b"/a%E2%80%A8",
        b"/%",
        b"/%2",
        b"/%zz",
        b"/a%ff",
        b"/a\xff",
        b"/%C3%28",
        b"/%ED%A0%80",
        b"/.",
        b"/..",
        b"/a/../b",
        b"/a/%2e%2e/b",
        b"/a/.%2E",
        b"/a/%2e",
        b"/a/..%2Fb",
        b"/a/x%2F..",
        b"/a/x%2F.%2Fy",
        b"/" + b"a" * 8192,
    ],
)
def test_paths_that_no_name_can_need_are_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        routing_path(raw)


def test_a_refused_path_is_answered_with_a_problem() -> None:
    import anyio

    answer = anyio.run(get, "/tree/main/a%00b")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "invalid_path"
    assert problem["request_id"] == answer.headers["x-request-id"]


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1).filter(
            lambda text: not any(piece in (".", "..") for piece in text.split("/"))
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_segments_survive(segments: list[str]) -> None:
    raw = "/" + "/".join(quote(text, safe="") for text in segments)
    if len(raw) <= 8192:
        path = routing_path(raw.encode())
        assert [segment(part) for part in path[1:].split("/")] == segments


@given(st.binary(max_size=60).map(lambda tail: b"/" + tail))
def test_any_bytes_give_a_clean_path_or_a_refusal(raw: bytes) -> None:
    try:
        path = routing_path(raw)
    except InvalidInput:
        return
    assert path.startswith("/")
    assert "\x00" not in path
    assert not {".", ".."} & set(path.split("/"))
    assert not {".", ".."} & {piece for part in path.split("/") for piece in segment(part).split("/")}
    assert routing_path("/".join(quote(segment(part), safe="") for part in path.split("/")).encode()) == path
