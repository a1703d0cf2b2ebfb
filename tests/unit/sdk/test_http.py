from __future__ import annotations

import socket

import pytest

from modelkeep.sdk.errors import (
    AlreadyExists,
    BadAnswer,
    Conflict,
    Failed,
    HubError,
    InvalidInput,
    NotFound,
    NotPermitted,
    RateLimited,
    Refused,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unreachable,
)
from modelkeep.sdk.http import Connection
from modelkeep.sdk.hub import Hub
from modelkeep.sdk.retries import RetryPolicy, parse_retry_after
from tests.unit.sdk.stand_in import REPO, StandIn, running

WHOAMI = "/api/v1/whoami"
NOBODY = b'{"user": null, "token": null, "organisations": []}'


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_input", InvalidInput),
        (401, "unauthenticated", Unauthenticated),
        (403, "not_permitted", NotPermitted),
        (404, "not_found", NotFound),
        (409, "already_exists", AlreadyExists),
        (409, "branch_moved", Conflict),
        (413, "too_large", TooLarge),
        (422, "invalid_name", InvalidInput),
        (500, "", Failed),
        (418, "", Failed),
    ],
)
def test_refusals_have_a_type(
    hub: Hub, stand_in: StandIn, status: int, code: str, kind: type[Refused]
) -> None:
    body = f'{{"detail": "No.", "code": "{code}", "request_id": "r-5", "fields": {{"name": "x"}}}}'.encode()
    stand_in.answer("GET", WHOAMI, status, body)
    with pytest.raises(kind, match=r"No\.") as caught:
        hub.whoami()
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.code, caught.value.request_id) == (status, code, "r-5")
    assert caught.value.fields == {"name": "x"}
    assert len(stand_in.requests) == 1


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"[]", b"\xff\xfe", b"[" * 100_000, b"null"]
)
def test_refusals_that_are_no_json_still_say_what_happened(hub: Hub, stand_in: StandIn, body: bytes) -> None:
    stand_in.answer("GET", WHOAMI, 500, body, X_Request_Id="r-6")
    with pytest.raises(Failed, match=f"{WHOAMI} answered 500") as caught:
        hub.whoami()
    assert caught.value.request_id == "r-6"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_passing_trouble_is_waited_out(stand_in: StandIn, status: int) -> None:
    waits: list[float] = []
    for _ in range(3):
        stand_in.answer("GET", WHOAMI, status, b"{}")
    stand_in.answer("GET", WHOAMI, 200, NOBODY)
    with Hub(stand_in.url, "t", policy=RetryPolicy(sleep=waits.append)) as hub:
        assert hub.whoami().user is None
    assert len(stand_in.requests) == 4
    assert len(waits) == 3
    assert 0 < waits[0] < waits[2] <= 10


def test_the_hub_says_how_long_to_wait(stand_in: StandIn) -> None:
    waits: list[float] = []
    stand_in.answer("GET", WHOAMI, 429, b"{}", Retry_After="17")
    stand_in.answer("GET", WHOAMI, 200, NOBODY)
    with Hub(stand_in.url, "t", policy=RetryPolicy(sleep=waits.append)) as hub:
        hub.whoami()
    assert waits == [17.0]


def test_a_long_wait_is_left_to_people(hub: Hub, stand_in: StandIn) -> None:
    stand_in.answer("GET", WHOAMI, 429, b"{}", Retry_After="3600")
    with pytest.raises(RateLimited) as caught:
        hub.whoami()
    assert caught.value.retry_after == 3600
    assert len(stand_in.requests) == 1


def test_lasting_trouble_is_raised(hub: Hub, stand_in: StandIn) -> None:
    for _ in range(9):
        stand_in.answer("GET", WHOAMI, 503, b'{"detail": "Busy."}')
    with pytest.raises(Unavailable, match="Busy"):
        hub.whoami()
    assert len(stand_in.requests) == 5


def test_what_may_have_been_done_is_not_done_twice(hub: Hub, stand_in: StandIn) -> None:
    for method, path in (("POST", "/api/v1/repos"), ("PUT", f"{REPO}/artifacts/a/stages/prod")):
        stand_in.answer(method, path, 503, b"{}")
    with pytest.raises(Unavailable):
        hub.repos.create("acme/churn")
    with pytest.raises(Unavailable):
        hub.repo("acme/churn").promote("a", "prod", version="v1.0.0")
    assert len(stand_in.requests) == 2


def test_what_was_certainly_not_done_is_done_again(hub: Hub, stand_in: StandIn) -> None:
    stand_in.answer("PUT", f"{REPO}/artifacts/a%2Fb/stages/prod", 429, b"{}")
    assert hub.repo("acme/churn").promote("a/b", "prod", version="v1.0.0").version == "v1.0.0"
    assert len(stand_in.requests) == 2


def test_no_server_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        tries: list[float] = []
        with Hub(url, "t", policy=RetryPolicy(sleep=tries.append)) as hub:
            with pytest.raises(Unreachable, match="no connection"):
                hub.whoami()
            with pytest.raises(Unreachable):
                hub.repos.create("acme/churn")
        assert len(tries) == 8


def test_a_redirect_keeps_the_token_at_home(hub: Hub, stand_in: StandIn) -> None:
    with running(StandIn()) as other:
        other.answer("GET", "/elsewhere", 200, NOBODY)
        stand_in.answer("GET", WHOAMI, 302, b"", Location=f"{other.url}/elsewhere")
        hub.whoami()
        assert stand_in.requests[0].headers["authorization"] == "Bearer mk_secret"
        assert "authorization" not in other.requests[0].headers


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"", b'{"user": 3}', b'{"user": {"name": null}}', b'{"organisations": {}}']
)
def test_what_is_no_hub_is_said(hub: Hub, stand_in: StandIn, body: bytes) -> None:
    stand_in.answer("GET", WHOAMI, 200, body)
    with pytest.raises(BadAnswer):
        hub.whoami()


def test_a_list_that_does_not_end_ends(hub: Hub, stand_in: StandIn) -> None:
    for _ in range(3):
        stand_in.answer("GET", "/api/v1/repos", 200, b'{"items": [], "next_cursor": "x"}')
    with pytest.raises(BadAnswer, match="does not end"):
        list(hub.repos.list())


@pytest.mark.parametrize("token", ["a b", "tök", "a\nX-Evil: 1", "a\0"])
def test_a_token_that_cannot_be_one_is_refused(token: str) -> None:
    with pytest.raises(HubError):
        Connection("http://127.0.0.1", token)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("²", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header) == seconds


def test_repos_and_registry(hub: Hub, stand_in: StandIn) -> None:
    listed = b'{"items": [{"repo": "a/b", "artifact": "m", "latest": "v1.0.0"}]}'
    stand_in.answer("GET", "/api/v1/registry", 200, listed)
    assert [(one.repo, one.latest, one.stages) for one in hub.registry()] == [("a/b", "v1.0.0", {})]
    assert hub.repos.get("acme/churn").full_name == "acme/churn"
    assert hub.repo("acme/churn").exists()
    stand_in.answer("GET", REPO, 404, b"{}")
    assert not hub.repo("acme/churn").exists()
