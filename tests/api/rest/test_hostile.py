"""Whatever is sent, the answer is an answer: never a bug, never another repo's data."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.rest.test_errors import operations
from tests.api.rest.world import World, ok, refused

FUZZ = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

NASTY = st.one_of(
    st.sampled_from(
        [
            "",
            ".",
            "..",
            "../..",
            "/",
            "//etc/passwd",
            "\0",
            "a\0b",
            "\r\nX-Injected: 1",
            "%",
            "%2F",
            "%252F",
            "%00",
            "-",
            "--upload-pack=touch /tmp/x",
            "main",
            "HEAD",
            "@{upstream}",
            "refs/heads/main",
            "m#prod",
            "m@latest",
            "\u202e",
            "\ufeff",
            "\U0001f600",
            "é",
            "'; DROP TABLE repos; --",
            "{{7*7}}",
            "${jndi:ldap://x}",
            "x" * 300,
            "1" * 400,
        ]
    ),
    st.text(max_size=40),
)

VALUES = st.recursive(
    st.one_of(
        NASTY,
        st.none(),
        st.booleans(),
        st.integers(),
        st.just(2**63),
        st.just(10**400),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(["add", "delete", "read", "owner", "private", "2030-01-01T00:00:00Z", "a" * 64]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["op", "path", "x", "user"]), inner, max_size=4),
    ),
    max_leaves=8,
)


def fill(path: str, values: list[str]) -> str:
    """Puts values into the parameters; what stands for slashes in a path keeps them."""
    rest = iter(values)
    return re.sub(r"\{\w+\}", lambda _: quote(next(rest), safe=""), path)


def check(world: World, method: str, path: str, body: object) -> None:
    """Sends it as a signed-in user: any answer below 500, problems in their shape, no header smuggled in."""
    target = path.encode("utf-8", "surrogatepass").decode("latin-1")
    answer = world.as_("cato").raw(method, target, body)
    assert answer.status_code < 500, f"{method} {path}: {answer.text}"
    assert "x-injected" not in answer.headers
    if answer.status_code >= 400 and method != "HEAD":
        refused(answer, answer.status_code)


@pytest.fixture(scope="module")
def repo(world: World) -> str:
    made = world.repo()
    ok(world.as_("olga").post(f"{made}/artifacts/m/versions"), 201)
    return made


@FUZZ
@given(data=st.data())
def test_any_path(world: World, repo: str, data: st.DataObject) -> None:
    method, path, _ = data.draw(st.sampled_from(operations(world)))
    if data.draw(st.booleans()):
        path = path.replace("/repos/{ns}/{repo}", repo)
    values = data.draw(st.lists(NASTY, min_size=6, max_size=6))
    try:
        filled = fill(path, values)
    except UnicodeEncodeError:  # half a character: no client can send it
        return
    check(world, method, filled, None)


@FUZZ
@given(data=st.data())
def test_any_query(world: World, repo: str, data: st.DataObject) -> None:
    every = [(p, o) for m, p, o in operations(world) if m == "GET" and o.get("parameters")]
    path, operation = data.draw(st.sampled_from(every))
    names = [p["name"] for p in operation["parameters"] if p["in"] == "query"]
    path = fill(path.replace("/repos/{ns}/{repo}", repo), ["m"] * 6)
    pairs = [(name, data.draw(NASTY)) for name in names]
    query = "&".join(f"{name}={quote(value.encode('utf-8', 'replace'), safe='')}" for name, value in pairs)
    check(world, "GET", f"{path}?{query}", None)


@FUZZ
@given(data=st.data())
def test_any_body(world: World, repo: str, data: st.DataObject) -> None:
    described = ok(world.as_(None).get("/openapi.json"))["components"]["schemas"]
    every = [(m, p, o) for m, p, o in operations(world) if "requestBody" in o]
    method, path, operation = data.draw(st.sampled_from(every))
    shape = operation["requestBody"]["content"]["application/json"]["schema"]
    names = re.findall(r"schemas/(\w+)", str(shape))
    fields = sorted(described[names[0]]["properties"])
    body: dict[str, Any] = {name: data.draw(VALUES) for name in fields if data.draw(st.integers(0, 3))}
    path = fill(path.replace("/repos/{ns}/{repo}", repo), ["m"] * 6)
    check(world, method, path, body)


@pytest.mark.parametrize("surrogate", [b'"\\ud800"', b'"\\udfff\\ud800"'])
def test_half_characters_in_a_body(world: World, surrogate: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    for field in (b"name", b"description"):
        body = b'{"name": "x", ' + b'"' + field + b'": ' + surrogate + b"}"
        refused(
            world.as_("cato").request("POST", "/repos", content=body, headers=headers), 400, "invalid_json"
        )


@pytest.mark.parametrize(
    "path",
    [
        "/repos/acme%2Fchurn",
        "/repos/acme/..%2F..%2Fx",
        "/repos/%2e%2e/x",
        "/repos/./x",
        "/repos//x",
        "/repos/acme/x%00",
        "/repos/acme/x%0d%0aX-Injected:%201",
        "/repos/acme/" + "x" * 600,
        "/repos/acme/" + "%2F" * 3000,
        "/repos/acme/%F0%28%8C%28",
        "/%",
    ],
)
def test_paths(world: World, path: str) -> None:
    answer = world.as_("olga").raw("GET", path)
    assert answer.status_code in (400, 404, 422)
    refused(answer, answer.status_code)
    assert "x-injected" not in answer.headers


def test_an_encoded_slash_does_not_leave_its_segment(world: World, repo: str) -> None:
    name = repo.removeprefix("/repos/")
    refused(world.as_("olga").raw("GET", f"/repos/{name.replace('/', '%2F')}"), 404)
    refused(world.as_("olga").raw("GET", f"{repo}%2Ftree%2Fmain"), 404, "repo_not_found")
    ok(world.as_("olga").post(f"{repo}/branches", {"name": "a%2Fb"}), 201)
    ok(world.as_("olga").post(f"{repo}/branches", {"name": "a/b"}), 201)
    world.commit(repo, {"only-here": "x"}, branch="a/b")
    with_slash = ok(world.as_("olga").raw("GET", f"{repo}/tree/a%2Fb"))["items"]
    literal = ok(world.as_("olga").raw("GET", f"{repo}/tree/a%252Fb"))["items"]
    assert {e["path"] for e in with_slash} - {e["path"] for e in literal} == {"only-here"}


def test_a_cursor_cannot_reach_what_its_list_would_not_show(world: World, repo: str) -> None:
    """A tree's cursor names a commit; another repo's is not looked up there."""
    other = world.repo(namespace="olga")
    for name in "abc":
        world.commit(other, {f"secret-{name}": "x"})
    cursor = ok(world.as_("olga").get(f"{other}/tree/main?limit=1"))["next_cursor"]
    listed = ok(world.as_("cato").get(f"{repo}/tree/main?cursor={cursor}"))
    assert not [entry for entry in listed["items"] if entry["path"].startswith("secret-")]
    cursor = ok(world.as_("olga").get(f"{other}/commits?limit=1"))["next_cursor"]
    listed = ok(world.as_("cato").get(f"{repo}/commits?cursor={cursor}"))
    foreign = {commit["id"] for commit in ok(world.as_("olga").get(f"{other}/commits"))["items"]}
    assert not foreign & {commit["id"] for commit in listed["items"]}
