"""The request id and the shape of problems."""

from __future__ import annotations

import json
import re

import anyio
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from modelkeep.api.http.problems import ProblemResponse
from modelkeep.api.http.request_id import RequestIdMiddleware, current_request_id, request_id_of


async def show(scope: Scope, receive: Receive, send: Send) -> None:
    ids = [current_request_id(), request_id_of(scope), Request(scope).state.request_id]
    await JSONResponse(ids, headers={"X-Request-Id": "from-the-application"})(scope, receive, send)


def ask(headers: list[tuple[str, str]]) -> httpx.Response:
    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(RequestIdMiddleware(show))
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
            return await client.get("/", headers=headers)

    return anyio.run(run)


@pytest.mark.parametrize("proposed", ["abcdefgh", "a" * 64, "Az09_-Az09"])
def test_a_clients_id_is_kept(proposed: str) -> None:
    answer = ask([("X-Request-Id", proposed)])
    assert answer.json() == [proposed] * 3
    assert answer.headers.get_list("x-request-id") == [proposed]


def test_the_id_of_a_clients_trace_is_kept() -> None:
    trace = ("X-Amzn-Trace-Id", "05be9952-7413-4e46-beee-d32f1a972f04")
    assert ask([trace]).json() == [trace[1]] * 3
    assert ask([trace, ("X-Request-Id", "abcdefgh")]).json() == ["abcdefgh"] * 3


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("X-Amzn-Trace-Id", "Root=1-63f5b6b2-1c8a; Self=1")],
        [("X-Request-Id", "short")],
        [("X-Request-Id", "a" * 65)],
        [("X-Request-Id", "with space")],
        [("X-Request-Id", 'quote"newline')],
        [("X-Request-Id", "twice-one"), ("X-Request-Id", "twice-two")],
    ],
)
def test_anything_else_is_replaced(headers: list[tuple[str, str]]) -> None:
    answer = ask(headers)
    made = answer.headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert answer.json() == [made] * 3


def test_no_id_outside_of_a_request() -> None:
    assert current_request_id() is None


def test_a_problem() -> None:
    answer = ProblemResponse(
        409,
        "conflict",
        "Somebody was first.",
        fields={"name": "x"},
        request_id="abcdefgh",
        kind="conflict",
        headers={"retry-after": "1"},
    )
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["retry-after"] == "1"
    assert json.loads(bytes(answer.body)) == {
        "type": "urn:modelkeep:error:conflict",
        "title": "Conflict",
        "status": 409,
        "detail": "Somebody was first.",
        "code": "conflict",
        "kind": "conflict",
        "fields": {"name": "x"},
        "request_id": "abcdefgh",
    }
