"""Organisations and their members."""

from __future__ import annotations

import pytest

from modelkeep.domain.access import Scope
from tests.api.rest.world import World, ok, refused


def test_making_one(world: World) -> None:
    body = {
        "name": "Umbrella",
        "full_name": "Umbrella Inc.",
        "default_visibility": "shared",
        "members": [{"user": "rita", "role": "reader"}, {"user": "sven", "role": "maintainer"}],
    }
    answer = world.as_("sven").post("/orgs", body)
    made = ok(answer, 201)
    assert made.pop("created_at").endswith("Z")
    assert made == {
        "name": "Umbrella",
        "full_name": "Umbrella Inc.",
        "default_visibility": "shared",
        "role": "owner",
    }
    assert answer.headers["location"] == "http://hub.test/api/v1/orgs/Umbrella"
    assert ok(world.as_("rita").get("/orgs/umbrella"))["role"] == "reader"
    members = ok(world.as_("rita").get("/orgs/umbrella/members"))["items"]
    assert [(m["user"], m["role"]) for m in members] == [("rita", "reader"), ("sven", "owner")]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "acme"}, 409, None),
        ({"name": "ACME"}, 409, None),
        ({"name": "rita"}, 409, None),
        ({"name": "-x"}, 422, "invalid_name"),
        ({"name": "datasets"}, 422, "reserved_name"),
        ({"name": "%2e%2e"}, 422, "invalid_name"),
        ({"name": "a\u0000b"}, 422, "invalid_name"),
        ({"name": "x", "default_visibility": "secret"}, 422, "invalid_input"),
        ({"name": "x", "members": [{"user": "nobody", "role": "owner"}]}, 404, "user_not_found"),
        ({"name": "x", "members": [{"user": "rita", "role": "king"}]}, 422, "invalid_input"),
        ({"name": "x", "members": {"user": "rita"}}, 422, "invalid_input"),
        ({"name": "x", "full_name": "y" * 201}, 422, "invalid_text"),
    ],
)
def test_those_that_cannot_be(world: World, body: object, status: int, code: str | None) -> None:
    refused(world.as_("sven").post("/orgs", body), status, code)


def test_who_may_make_one(world: World) -> None:
    refused(world.as_(None).post("/orgs", {"name": "x"}), 401)
    refused(world.token("sven", Scope.WRITE).post("/orgs", {"name": "x"}), 403, "scope_missing")


def test_listing_those_one_belongs_to(world: World) -> None:
    names = [world.new_name("org") for _ in range(3)]
    for name in names:
        ok(world.as_("mara").post("/orgs", {"name": name, "full_name": f"Number {name}"}), 201)
    listed = {o["name"]: o["role"] for page in world.as_("mara").pages("/orgs", 2) for o in page}
    assert listed == {"acme": "maintainer"} | dict.fromkeys(names, "owner")
    assert {o["name"] for o in ok(world.as_("ada").get("/orgs"))["items"]} >= {*names, "acme"}
    assert [o["name"] for o in ok(world.as_("mara").get(f"/orgs?query={names[1]}"))["items"]] == [names[1]]
    assert ok(world.as_(None).get("/orgs")) == {"items": [], "next_cursor": None}


def test_showing_one(world: World) -> None:
    assert ok(world.as_("rita").get("/orgs/ACME"))["role"] == "reader"
    assert ok(world.as_("ada").get("/orgs/acme"))["role"] == "owner"
    there = refused(world.as_("sven").get("/orgs/acme"), 404, "namespace_not_found")
    missing = refused(world.as_("sven").get("/orgs/axme"), 404, "namespace_not_found")
    assert there["detail"].replace("acme", "axme") == missing["detail"]
    refused(world.token("rita", Scope.READ, limits=("sven",)).get("/orgs/acme"), 404)
    refused(world.as_("sven").get("/orgs/rita"), 404, "namespace_not_found")
    refused(world.as_(None).get("/orgs/acme"), 401)
    refused(world.as_(None).get("/orgs/nothing"), 401)


def test_changing_one(world: World) -> None:
    name = world.new_name("org")
    ok(
        world.as_("olga").post("/orgs", {"name": name, "members": [{"user": "mara", "role": "maintainer"}]}),
        201,
    )
    changed = ok(
        world.as_("olga").patch(f"/orgs/{name}", {"full_name": "New", "default_visibility": "public"})
    )
    assert (changed["full_name"], changed["default_visibility"]) == ("New", "public")
    assert ok(world.as_("olga").patch(f"/orgs/{name}", {}))["full_name"] == "New"
    refused(world.as_("mara").patch(f"/orgs/{name}", {"full_name": "x"}), 403, "role_missing")
    refused(world.as_("sven").patch(f"/orgs/{name}", {"full_name": "x"}), 404, "namespace_not_found")
    refused(world.as_(None).patch(f"/orgs/{name}", {"full_name": "x"}), 401)
    refused(world.as_("olga").patch(f"/orgs/{name}", {"name": "x"}), 422, "invalid_input")
    refused(world.as_("olga").patch(f"/orgs/{name}", {"full_name": "x" * 300}), 422, "invalid_text")


def test_deleting_one(world: World) -> None:
    name = world.new_name("org")
    ok(world.as_("olga").post("/orgs", {"name": name}), 201)
    repo = world.repo(namespace=name)
    problem = refused(world.as_("olga").delete(f"/orgs/{name}"), 409, "has_dependants")
    assert problem["fields"]["dependants"] == [{"kind": "repo", "name": repo.removeprefix("/repos/")}]
    refused(world.as_("mara").delete(f"/orgs/{name}"), 404)
    refused(world.as_("mara").delete("/orgs/acme"), 403, "role_missing")
    refused(world.as_(None).delete(f"/orgs/{name}"), 401)
    ok(world.as_("olga").patch(repo, {"namespace": "acme"}))
    assert world.as_("olga").delete(f"/orgs/{name}").status_code == 204
    refused(world.as_("olga").get(f"/orgs/{name}"), 404)
    refused(world.as_("olga").delete("/orgs/olga"), 422, "not_an_organisation")


def test_members(world: World) -> None:
    name = world.new_name("org")
    olga = world.as_("olga")
    ok(olga.post("/orgs", {"name": name}), 201)
    given = ok(olga.put(f"/orgs/{name}/members/Mara", {"role": "maintainer"}))
    assert given == {"user": "mara", "full_name": "", "role": "maintainer"}
    ok(olga.put(f"/orgs/{name}/members/rita", {"role": "reader"}))
    assert [len(page) for page in world.as_("rita").pages(f"/orgs/{name}/members", 2)] == [2, 1]
    refused(world.as_("mara").put(f"/orgs/{name}/members/sven", {"role": "reader"}), 403, "role_missing")
    refused(world.as_("mara").put(f"/orgs/{name}/members/mara", {"role": "owner"}), 403, "role_missing")
    refused(world.as_("rita").put(f"/orgs/{name}/members/rita", {"role": "contributor"}), 403)
    refused(world.as_("sven").get(f"/orgs/{name}/members"), 404)
    refused(world.as_("sven").put(f"/orgs/{name}/members/sven", {"role": "owner"}), 404)
    refused(world.as_(None).get(f"/orgs/{name}/members"), 401)
    refused(world.as_(None).put(f"/orgs/{name}/members/sven", {"role": "owner"}), 401)
    refused(olga.put(f"/orgs/{name}/members/nobody", {"role": "reader"}), 404, "user_not_found")
    refused(olga.put(f"/orgs/{name}/members/sven", {"role": "god"}), 422, "invalid_input")
    assert world.as_("rita").delete(f"/orgs/{name}/members/rita").status_code == 204  # leaves
    refused(olga.delete(f"/orgs/{name}/members/rita"), 404, "member_not_found")
    refused(world.as_("mara").delete(f"/orgs/{name}/members/olga"), 403)
    refused(world.as_(None).delete(f"/orgs/{name}/members/mara"), 401)


def test_the_last_owner_stays(world: World) -> None:
    name = world.new_name("org")
    olga = world.as_("olga")
    ok(olga.post("/orgs", {"name": name}), 201)
    refused(olga.delete(f"/orgs/{name}/members/olga"), 409, "last_owner")
    refused(olga.put(f"/orgs/{name}/members/olga", {"role": "reader"}), 409, "last_owner")
    ok(olga.put(f"/orgs/{name}/members/mara", {"role": "owner"}))
    assert olga.delete(f"/orgs/{name}/members/olga").status_code == 204
    refused(olga.patch(f"/orgs/{name}", {"full_name": "x"}), 404)


def test_a_user_is_no_organisation(world: World) -> None:
    refused(world.as_("rita").patch("/orgs/rita", {"full_name": "x"}), 422, "not_an_organisation")
    refused(world.as_("rita").put("/orgs/rita/members/sven", {"role": "reader"}), 422, "not_an_organisation")
