"""The caller, users, tokens."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from modelkeep import __version__
from modelkeep.domain.access import Scope
from tests.api.rest.world import PASSWORD, World, ok, refused


def basic(username: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{secret}".encode()).decode()


def test_whoami_of_nobody(world: World) -> None:
    answer = ok(world.as_(None).get("/whoami"))
    assert answer == {"user": None, "token": None, "organisations": []}


def test_whoami_with_a_token(world: World) -> None:
    answer = ok(world.as_("mara").get("/whoami"))
    assert answer["user"]["name"] == "mara"
    assert answer["user"]["is_hub_admin"] is False
    assert answer["token"]["scopes"] == ["admin", "promote", "read", "write"]
    assert answer["organisations"] == [{"name": "acme", "role": "maintainer"}]


def test_whoami_with_a_narrow_token_shows_its_limits(world: World) -> None:
    answer = ok(world.token("mara", Scope.READ, limits=("acme/churn",)).get("/whoami"))
    assert answer["token"]["limits"] == ["acme/churn"]
    assert answer["token"]["scopes"] == ["read"]
    assert answer["organisations"] == []


@pytest.mark.parametrize(
    "header",
    [
        "Bearer {token}",
        "bearer {token}",
        "token {token}",
        basic("anybody", "{token}"),
        basic("", "{token}"),
    ],
)
def test_ways_to_send_a_token(world: World, header: str) -> None:
    token = world.tokens["rita"]
    if header.startswith("Basic"):
        username = base64.b64decode(header[6:]).decode().partition(":")[0]
        value = basic(username, token)
    else:
        value = header.format(token=token)
    assert ok(world.with_headers(Authorization=value).get("/whoami"))["user"]["name"] == "rita"


def test_name_and_password(world: World) -> None:
    answer = ok(world.with_headers(Authorization=basic("Rita", PASSWORD)).get("/whoami"))
    assert answer["user"]["name"] == "rita"
    assert answer["token"] is None


@pytest.mark.parametrize(
    "value",
    [
        "Bearer mk_nonsense",
        "Basic !!",
        basic("rita", "wrong"),
        "Digest x",
        "Bearer",
        "Bearer a b",
        "Basic cml0YQ==",
    ],
)
def test_wrong_credentials_are_refused_everywhere_even_for_public_things(world: World, value: str) -> None:
    client = world.with_headers(Authorization=value)
    assert "correct" not in refused(client.get("/version"), 401)["detail"]
    refused(client.get("/nothing-here/x/y"), 404)


def test_wrong_passwords_are_slowed_down(world: World) -> None:
    client = world.with_headers(Authorization=basic("ada", "wrong"))
    statuses = [client.get("/whoami").status_code for _ in range(8)]
    assert statuses[:5] == [401] * 5
    assert statuses[-1] == 429
    answer = client.get("/whoami")
    refused(answer, 429, "too_many_attempts")
    assert int(answer.headers["retry-after"]) >= 1


def test_version(world: World) -> None:
    assert ok(world.as_(None).get("/version")) == {"version": __version__}


def test_users_are_for_administrators(world: World) -> None:
    names = [user["name"] for page in world.as_("ada").pages("/users", 2) for user in page]
    assert set(names) >= {"ada", "olga", "sven"}
    assert names == sorted(names)
    assert [u["name"] for u in ok(world.as_("ada").get("/users?query=SVE"))["items"]] == ["sven"]
    refused(world.as_("olga").get("/users"), 403, "admin_needed")
    refused(world.as_(None).get("/users"), 401)
    refused(world.as_("olga").post("/users", {"name": "eve"}), 403)
    refused(world.as_(None).post("/users", {"name": "eve"}), 401)


def test_a_new_user_gets_a_password_once(world: World) -> None:
    answer = world.as_("ada").post("/users", {"name": "nina", "full_name": "Nina N."})
    made = ok(answer, 201)
    assert answer.headers["location"] == "http://hub.test/api/v1/users/nina"
    login = world.with_headers(Authorization=basic("nina", made["password"]))
    assert ok(login.get("/whoami"))["user"]["full_name"] == "Nina N."
    assert "password" not in ok(world.as_("ada").get("/users/nina"))
    chosen = ok(world.as_("ada").post("/users", {"name": "nils", "password": PASSWORD}), 201)
    assert chosen["password"] is None


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "olga"}, 409, None),
        ({"name": "OLGA"}, 409, None),
        ({"name": "acme"}, 409, None),
        ({"name": "a b"}, 422, "invalid_name"),
        ({"name": "api"}, 422, "reserved_name"),
        ({"name": "../x"}, 422, "invalid_name"),
        ({"name": "x", "password": "short"}, 422, None),
        ({"name": "x", "full_name": "a\nb"}, 422, "invalid_text"),
        ({"name": "x" * 2000}, 422, "invalid_input"),
        ({}, 422, "invalid_input"),
        ({"name": 5}, 422, "invalid_input"),
        ({"name": "x", "is_hub_admin": "yes"}, 422, "invalid_input"),
        ({"name": "x", "admin": True}, 422, "invalid_input"),
    ],
)
def test_users_that_cannot_be(world: World, body: object, status: int, code: str | None) -> None:
    refused(world.as_("ada").post("/users", body), status, code)


def test_a_user_is_shown_to_signed_in_users_without_the_address(world: World) -> None:
    ok(world.as_("cato").patch("/users/cato", {"email": "cato@example.org", "full_name": "Cato"}))
    assert ok(world.as_("sven").get("/users/cato"))["email"] is None
    assert ok(world.as_("cato").get("/users/cato"))["email"] == "cato@example.org"
    assert ok(world.as_("ada").get("/users/cato"))["email"] == "cato@example.org"
    refused(world.as_("sven").get("/users/nobody"), 404, "user_not_found")
    refused(world.as_(None).get("/users/cato"), 401)
    refused(world.as_(None).get("/users/nobody"), 401)


def test_users_change_themselves_and_nobody_else(world: World) -> None:
    refused(world.as_("sven").patch("/users/cato", {"full_name": "Mud"}), 403)
    refused(world.as_(None).patch("/users/cato", {"full_name": "Mud"}), 401)
    refused(world.as_("sven").patch("/users/sven", {"is_disabled": False}), 403)
    refused(world.as_("ada").patch("/users/ada", {"is_disabled": True}), 403, "own_account")
    refused(world.as_("ada").patch("/users/nobody", {"full_name": "x"}), 404)
    refused(world.token("sven", Scope.WRITE).patch("/users/sven", {"password": PASSWORD}), 403)


def test_a_disabled_user_is_out(world: World) -> None:
    ok(world.as_("ada").post("/users", {"name": "dora", "password": PASSWORD}), 201)
    login = world.with_headers(Authorization=basic("dora", PASSWORD))
    ok(login.get("/whoami"))
    ok(world.as_("ada").patch("/users/dora", {"is_disabled": True}))
    refused(login.get("/whoami"), 401)


def test_tokens_come_and_go(world: World) -> None:
    client = world.with_headers(Authorization=basic("rita", PASSWORD))
    answer = client.post(
        "/tokens", {"name": "laptop", "scopes": ["read", "write"], "limits": ["Acme", "acme/Churn"]}
    )
    made = ok(answer, 201)
    assert answer.headers["location"].endswith(f"/tokens/{made['id']}")
    assert made["limits"] == ["acme", "acme/churn"]
    assert made["hint"] == made["token"][-4:]
    assert made["expires_at"] is None
    listed = [token for page in client.pages("/tokens", 1) for token in page]
    assert [token["name"] for token in listed].count("laptop") == 1
    assert all("token" not in token for token in listed)
    used = world.with_headers(Authorization=f"Bearer {made['token']}")
    ok(used.get("/whoami"))
    assert client.delete(f"/tokens/{made['id']}").status_code == 204
    refused(used.get("/whoami"), 401)


def test_a_token_that_ends(world: World) -> None:
    made = ok(world.as_("rita").post("/tokens", {"name": "x", "scopes": ["read"], "expires_in": 3600}), 201)
    ends = datetime.fromisoformat(made["expires_at"])
    assert timedelta(minutes=59) < ends - datetime.now(UTC) < timedelta(minutes=61)
    assert made["expires_at"].endswith("Z")
    body = {"name": "x", "scopes": ["read"], "expires_at": "2099-01-31T12:00:00+02:00"}
    assert ok(world.as_("rita").post("/tokens", body), 201)["expires_at"] == "2099-01-31T10:00:00Z"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "x", "scopes": []}, "invalid_input"),
        ({"name": "x", "scopes": ["root"]}, "invalid_input"),
        ({"name": " ", "scopes": ["read"]}, "invalid_name"),
        ({"name": "x", "scopes": ["read"], "limits": ["a/b/c"]}, "invalid_name"),
        ({"name": "x", "scopes": ["read"], "limits": ["../.."]}, "invalid_name"),
        ({"name": "x", "scopes": ["read"], "expires_in": -1}, "invalid_input"),
        ({"name": "x", "scopes": ["read"], "expires_in": 10**30}, "invalid_input"),
        ({"name": "x", "scopes": ["read"], "expires_in": 1.5}, "invalid_input"),
        ({"name": "x", "scopes": ["read"], "expires_at": "2001-01-01T00:00:00Z"}, "invalid_expiry"),
        ({"name": "x", "scopes": ["read"], "expires_at": "2099-01-01T00:00:00"}, "invalid_input"),
        ({"name": "x", "scopes": ["read"], "expires_at": 1}, "invalid_input"),
        (
            {"name": "x", "scopes": ["read"], "expires_at": "2099-01-01T00:00:00Z", "expires_in": 1},
            "invalid_expiry",
        ),
    ],
)
def test_tokens_that_cannot_be(world: World, body: object, code: str) -> None:
    refused(world.as_("rita").post("/tokens", body), 422, code)


def test_who_may_make_and_revoke_tokens(world: World) -> None:
    body = {"name": "x", "scopes": ["read"]}
    refused(world.as_(None).post("/tokens", body), 401)
    refused(world.as_(None).get("/tokens"), 401)
    refused(world.token("rita", Scope.READ, Scope.WRITE).post("/tokens", body), 403, "scope_missing")
    narrow = world.token("rita", Scope.ADMIN, limits=("acme",))
    refused(narrow.post("/tokens", body), 403, "scope_missing")
    ok(narrow.post("/tokens", {**body, "limits": ["acme/churn"]}), 201)
    made = ok(world.as_("rita").post("/tokens", body), 201)
    refused(world.as_("sven").delete(f"/tokens/{made['id']}"), 404, "token_not_found")
    refused(world.as_(None).delete(f"/tokens/{made['id']}"), 401)
    refused(world.as_("sven").delete("/tokens/999999"), 404, "token_not_found")
    refused(world.as_("sven").delete("/tokens/0"), 400, "invalid_parameter")
    refused(world.as_("sven").delete("/tokens/x"), 400, "invalid_parameter")
    refused(world.as_("sven").delete(f"/tokens/{10**40}"), 400, "invalid_parameter")
    itself = world.with_headers(Authorization=f"Bearer {made['token']}")
    assert itself.delete(f"/tokens/{made['id']}").status_code == 204
