"""Every error, of every kind and on every path, is a problem document."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.middleware import Middleware

from modelkeep.api.http.limits import Limits
from modelkeep.api.http.request_id import RequestIdMiddleware
from modelkeep.api.rest import errors
from modelkeep.api.rest.app import create_app
from modelkeep.domain.errors import KINDS, ModelkeepError, RateLimited
from tests.api.rest.in_process import transport_to
from tests.api.rest.world import Client, World, ok, refused

METHODS = ("get", "post", "put", "patch", "delete", "head")
ANONYMOUS_MAY = set(
    "whoami showVersion listOrganisations listRepos listRegistry listRegistryStages listRegistryHistory "
    "diffRegistry showSigningKey showPolicySchema".split()
)


def operations(world: World) -> list[tuple[str, str, dict[str, Any]]]:
    paths = ok(world.as_(None).get("/openapi.json"))["paths"]
    return [(m.upper(), path, item[m]) for path, item in paths.items() for m in METHODS if m in item]


def filled(path: str) -> str:
    """The path with something in each parameter."""
    return re.sub(
        r"\{(\w+)\}", lambda match: "1" if match[1].endswith(("_id", "number")) else "nothing", path
    )


def test_every_kind_has_a_status() -> None:
    assert set(errors.STATUS) == set(KINDS)
    assert all(400 <= status < 600 for status in errors.STATUS.values())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_every_kind_becomes_a_problem(kind: type[ModelkeepError]) -> None:
    app = FastAPI(middleware=[Middleware(RequestIdMiddleware)])
    errors.install(app)

    class Special(kind):  # type: ignore[misc, valid-type]
        """A service may have errors of its own below a kind."""

    @app.get("/{which}")
    async def fail(which: str) -> None:
        cls = Special if which == "special" else kind
        more = {"retry_after": 7} if issubclass(kind, RateLimited) else {}
        raise cls("It went wrong; do this.", code="stable_code", path="a/b", **more)

    with transport_to(app) as transport:
        client = httpx.Client(transport=transport, base_url="http://hub.test")
        for which in ("plain", "special"):
            answer = client.get(f"/{which}")
            problem = refused(answer, errors.STATUS[kind], "stable_code")
            assert problem["detail"] == "It went wrong; do this."
            assert problem["fields"]["path"] == "a/b"
            assert problem["kind"] == kind.kind
            assert answer.headers.get("retry-after") == ("7" if kind is RateLimited else None)


def test_a_bug_tells_nothing() -> None:
    app = FastAPI(middleware=[Middleware(RequestIdMiddleware)])
    errors.install(app)

    @app.get("/")
    async def fail() -> None:
        raise RuntimeError("password=hunter2")

    with transport_to(app) as transport:
        answer = httpx.Client(transport=transport, base_url="http://hub.test").get("/")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "internal_error"
    assert "hunter2" not in answer.text


def test_there_are_operations(world: World) -> None:
    assert len(operations(world)) >= 58


def test_every_path_refuses_the_anonymous_in_the_same_shape(world: World) -> None:
    for method, path, operation in operations(world):
        asked = {p["name"]: "2026-03-01" for p in operation.get("parameters", ()) if _is_query(p)}
        answer = world.as_(None).request(method, filled(path), params=asked, json=_any_body(operation))
        if operation["operationId"] in ANONYMOUS_MAY:
            assert answer.status_code == 200, path
        elif method == "HEAD":
            assert answer.status_code == 401, path
            assert answer.headers["content-type"] == "application/problem+json"
        else:
            refused(answer, 401)


def test_every_path_refuses_other_methods_in_the_same_shape(world: World) -> None:
    taken: dict[str, set[str]] = {}
    for method, path, _ in operations(world):
        taken.setdefault(path, set()).add(method)
    for path, methods in taken.items():
        answer = world.as_("olga").request("OPTIONS", filled(path))
        refused(answer, 405, "method_not_allowed")
        assert set(answer.headers["allow"].split(", ")) == methods, path


def test_every_list_refuses_bad_pages_in_the_same_shape(world: World) -> None:
    lists = [
        path
        for method, path, operation in operations(world)
        if method == "GET" and any(p["name"] == "cursor" for p in operation.get("parameters", ()))
    ]
    assert len(lists) >= 18
    for path in lists:
        for query in ("limit=0", "limit=-1", "limit=ten", "limit=1e3", "limit=1001", "cursor=%21%21"):
            refused(world.as_("olga").get(f"{filled(path)}?{query}"), 400)


def test_every_body_refuses_what_is_no_json_in_the_same_shape(world: World) -> None:
    bodies = [(m, filled(p)) for m, p, operation in operations(world) if "requestBody" in operation]
    assert len(bodies) >= 15
    client = world.as_("olga")
    json_type = {"Content-Type": "application/json"}
    for method, path in bodies:
        for content, code in (
            (b"{", "invalid_json"),
            (b"\xff", "invalid_json"),
            (b'{"a": NaN}', "invalid_json"),
            (b"9" * 5000, "invalid_json"),
            (b"[" * 100_000, "json_too_deep"),
            (b"[" * 40 + b"]" * 40, "json_too_deep"),
            (b'{"a":' * 33 + b"1" + b"}" * 33, "json_too_deep"),
        ):
            refused(client.request(method, path, content=content, headers=json_type), 400, code)
        for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""):
            answer = client.request(method, path, content=b"{}", headers={"Content-Type": content_type})
            refused(answer, 415, "not_json")
        for content in (b"[]", b"1", b'"x"', b'{"no such field": 1}'):
            refused(client.request(method, path, content=content, headers=json_type), 422, "invalid_input")
        answer = client.request(method, path, headers={"Content-Length": "1x"})
        refused(answer, 400)


def test_a_required_body_is_missed(world: World) -> None:
    problem = refused(world.as_("olga").request("POST", "/repos"), 422, "invalid_input")
    assert problem["detail"] == "body: is required."


def test_bodies_have_a_limit(world: World) -> None:
    answer = world.as_("olga").post("/repos", {"name": "x", "description": "x" * 2**20})
    refused(answer, 413, "body_too_large")


def test_no_error_shows_what_was_sent_as_a_secret(world: World) -> None:
    body = {"name": "x", "password": {"hunter2": "hunter2"}}
    answer = world.as_("ada").post("/users", body)
    refused(answer, 422)
    assert "hunter2" not in answer.text


def test_the_description_is_openapi_3_1(world: World) -> None:
    described = ok(world.as_(None).get("/openapi.json"))
    assert described["openapi"].startswith("3.1.")
    assert described["servers"] == [{"url": "/api/v1"}]
    ids = [operation["operationId"] for _, _, operation in operations(world)]
    assert len(ids) == len(set(ids))
    for method, path, operation in operations(world):
        assert re.fullmatch(r"[a-z][A-Za-z]+", operation["operationId"]), path
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["tags"], path
        assert "4XX" in operation["responses"], (method, path)
        names = set(re.findall(r"\{(\w+)\}", path))
        assert names == {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}, path
    text = str(described)
    for reference in re.findall(r"#/components/schemas/([^'\"]+)", text):
        assert reference in described["components"]["schemas"], reference
    assert "HTTPValidationError" not in text


def test_a_public_url_is_used_where_there_is_one(world: World) -> None:
    app = create_app(world.hub, Limits(), public_url="https://models.example.org/hub")
    repo = world.repo()
    token = world.tokens["olga"]
    with transport_to(app) as transport:
        client = httpx.Client(transport=transport, base_url="http://inside:8000")
        shown = client.get(repo, headers={"Authorization": f"Bearer {token}"}).json()
    assert shown["urls"]["git"] == f"https://models.example.org/hub{repo.removeprefix('/repos')}.git"


def test_no_page_of_documentation_that_loads_scripts_from_elsewhere(world: World) -> None:
    for path in ("/docs", "/redoc", "/docs/oauth2-redirect"):
        refused(world.as_(None).get(path), 404, "no_such_endpoint")


def test_a_clients_own_request_id_comes_back(world: World) -> None:
    client: Client = world.with_headers(**{"X-Request-Id": "abcdef-123456"})
    assert refused(client.get("/nothing"), 404)["request_id"] == "abcdef-123456"


def _any_body(operation: dict[str, Any]) -> object:
    return {} if "requestBody" in operation else None


def _is_query(parameter: dict[str, Any]) -> bool:
    return parameter["in"] == "query" and bool(parameter["required"])
