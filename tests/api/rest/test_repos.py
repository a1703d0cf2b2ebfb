"""Repos: list, make, show, change, move, delete, restore."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from modelkeep.domain.access import Scope
from tests.api.rest.world import World, ok, refused


def test_making_one(world: World) -> None:
    name = world.new_name()
    body = {
        "namespace": "Acme",
        "name": name,
        "description": "Who leaves?",
        "labels": ["Churn", "tabular"],
        "visibility": "shared",
        "default_branch": "trunk",
    }
    answer = world.as_("cato").post("/repos", body)
    made = ok(answer, 201)
    assert answer.headers["location"] == f"http://hub.test/api/v1/repos/acme/{name}"
    assert len(made.pop("id")) == 32
    assert made.pop("created_at").endswith("Z")
    assert made.pop("updated_at").endswith("Z")
    assert made == {
        "namespace": "acme",
        "name": name,
        "full_name": f"acme/{name}",
        "kind": "model",
        "description": "Who leaves?",
        "labels": ["churn", "tabular"],
        "visibility": "shared",
        "default_branch": "trunk",
        "strict_tags": True,
        "gated": None,
        "role": "contributor",
        "deleted_at": None,
        "urls": {
            "git": f"http://hub.test/acme/{name}.git",
            "lfs": f"http://hub.test/acme/{name}.git/info/lfs",
            "api": f"http://hub.test/api/v1/repos/acme/{name}",
        },
    }
    tree = ok(world.as_("rita").get(f"/repos/acme/{name}/tree/trunk"))
    assert [entry["path"] for entry in tree["items"]] == [".gitattributes", "README.md"]


def test_making_ones_own(world: World) -> None:
    made = ok(world.as_("sven").post("/repos", {"name": "mine", "empty": True}), 201)
    assert (made["full_name"], made["visibility"], made["role"]) == ("sven/mine", "private", "owner")
    refused(world.as_("sven").get("/repos/sven/mine/tree/HEAD"), 404, "revision_not_found")
    refused(world.as_("sven").get("/repos/sven/mine/commits"), 404, "empty_repo")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "a/b"}, 422, "invalid_name"),
        ({"name": "..", "namespace": "acme"}, 422, "invalid_name"),
        ({"name": ".git"}, 422, "invalid_name"),
        ({"name": "x.git"}, 422, "reserved_name"),
        ({"name": "api"}, 422, "reserved_name"),
        ({"name": "a\u0000"}, 422, "invalid_name"),
        ({"name": "x" * 97}, 422, "invalid_name"),
        ({"name": "x", "namespace": "nowhere"}, 404, "namespace_not_found"),
        ({"name": "x", "namespace": "rita"}, 403, "role_missing"),
        ({"name": "x", "visibility": "secret"}, 422, "invalid_input"),
        ({"name": "x", "kind": "space"}, 422, "invalid_input"),
        ({"name": "x", "labels": ["a b"]}, 422, "invalid_label"),
        ({"name": "x", "labels": "a"}, 422, "invalid_input"),
        ({"name": "x", "description": "d" * 2001}, 422, "invalid_text"),
        ({"name": "x", "default_branch": "a..b"}, 422, "invalid_ref"),
        ({"name": "x", "default_branch": "-x"}, 422, "invalid_ref"),
        ({"name": "x", "empty": 1}, 422, "invalid_input"),
        ({"name": "x", "privat": True}, 422, "invalid_input"),
        ({"name": None}, 422, "invalid_input"),
        ([], 422, "invalid_input"),
        ("x", 422, "invalid_input"),
    ],
)
def test_those_that_cannot_be(world: World, body: object, status: int, code: str) -> None:
    refused(world.as_("sven").post("/repos", body), status, code)


def test_the_unknown_field_is_named(world: World) -> None:
    problem = refused(world.as_("sven").post("/repos", {"name": "x", "privat": True}), 422)
    assert problem["detail"] == "privat: there is no such field."
    assert problem["fields"]["errors"] == [{"field": "privat", "problem": "there is no such field"}]


def test_who_may_make_one(world: World) -> None:
    body = {"namespace": "acme", "name": world.new_name()}
    refused(world.as_("rita").post("/repos", body), 403, "role_missing")
    refused(world.as_(None).post("/repos", body), 401)
    refused(world.token("olga", Scope.READ).post("/repos", body), 403, "scope_missing")
    refused(world.token("olga", Scope.WRITE, limits=("acme/other",)).post("/repos", body), 404)
    ok(world.token("olga", Scope.WRITE).post("/repos", body), 201)
    refused(world.as_("olga").post("/repos", {**body, "name": body["name"].upper()}), 409, "repo_exists")


def test_showing_one(world: World) -> None:
    repo = world.repo()
    world.upload(repo, b"x" * 1000)
    shown = ok(world.as_("rita").get(repo))
    assert shown["role"] == "reader"
    assert shown["size"] == {"lfs_bytes": 1000, "lfs_files": 1}


def test_a_private_repo_and_a_missing_one_look_the_same(world: World) -> None:
    repo = world.repo()
    name = repo.rpartition("/")[2]
    there = refused(world.as_("sven").get(repo), 404, "repo_not_found")
    missing = refused(world.as_("sven").get(repo.replace(name, "not" + name)), 404)
    assert {**there, "request_id": "", "detail": there["detail"].replace(name, "not" + name)} == {
        **missing,
        "request_id": "",
    }
    there = refused(world.as_(None).get(repo), 401)
    missing = refused(world.as_(None).get(repo + "x"), 401)
    assert {**there, "request_id": ""} == {**missing, "request_id": ""}


def test_listing_and_searching(world: World) -> None:
    word = world.new_name("word")
    private = world.repo(description=f"about {word}", labels=["a", "b"])
    shared = world.repo("shared", description=f"about {word}", labels=["a"])
    public = world.repo("public", description=f"about {word}")
    paths = {"olga": [private, shared, public], "sven": [shared, public], None: [public]}
    for name, seen in paths.items():
        items = [r for page in world.as_(name).pages(f"/repos?query={word}", 1) for r in page]
        assert sorted(f"/repos/{r['full_name']}" for r in items) == sorted(seen)
    olga = world.as_("olga")

    def found(query: str) -> list[str]:
        return [f"/repos/{r['full_name']}" for r in ok(olga.get(f"/repos?query={word}&{query}"))["items"]]

    assert found("label=a&label=b") == [private]
    assert found("visibility=shared") == [shared]
    assert found("namespace=ACME&kind=model&sort=name") == sorted([private, shared, public])
    assert found("sort=created") == [public, shared, private]
    assert found("kind=dataset") == found("namespace=nowhere") == []
    roles = {r["role"] for r in ok(world.as_("rita").get(f"/repos?query={word}"))["items"]}
    assert roles == {"reader"}
    assert {r["role"] for r in ok(olga.get(f"/repos?query={word}"))["items"]} == {"owner"}


@pytest.mark.parametrize(
    "query",
    [
        "sort=size",
        "visibility=x",
        "kind=x",
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=99999999999999999999",
        "query=" + "x" * 201,
        "&".join(["label=x"] * 21),
    ],
)
def test_lists_that_cannot_be(world: World, query: str) -> None:
    refused(world.as_("olga").get(f"/repos?{query}"), 400)


def test_changing_one(world: World) -> None:
    repo = world.repo(labels=["old"])
    world.commit(repo, {"x.txt": "x"})
    ok(world.as_("olga").post(f"{repo}/branches", {"name": "next"}), 201)
    change = {"description": "new", "labels": ["b", "a"], "default_branch": "next"}
    changed = ok(world.as_("mara").patch(repo, change))
    assert (changed["description"], changed["labels"], changed["default_branch"]) == (
        "new",
        ["a", "b"],
        "next",
    )
    assert ok(world.as_("olga").patch(repo, {"visibility": "public"}))["visibility"] == "public"
    assert ok(world.as_("olga").patch(repo, {"labels": []}))["labels"] == []
    refused(world.as_("mara").patch(repo, {"visibility": "private"}), 403, "role_missing")
    refused(world.as_("cato").patch(repo, {"description": "x"}), 403, "role_missing")
    refused(world.as_("sven").patch(repo, {"description": "x"}), 403, "role_missing")
    refused(world.as_(None).patch(repo, {"description": "x"}), 401)
    refused(world.token("olga", Scope.WRITE).patch(repo, {"description": "x"}), 403, "scope_missing")
    refused(world.as_("mara").patch(repo, {"default_branch": "gone"}), 404, "branch_not_found")
    refused(world.as_("mara").patch(repo, {"default_branch": "a..b"}), 404, "branch_not_found")
    refused(world.as_("mara").patch(repo, {"id": "x"}), 422, "invalid_input")
    refused(world.as_("sven").patch(world.repo(), {"description": "x"}), 404, "repo_not_found")


def test_renaming_and_transferring(world: World) -> None:
    repo = world.repo()
    olga = world.as_("olga")
    new = world.new_name("new")
    assert ok(olga.patch(repo, {"name": new}))["full_name"] == f"acme/{new}"
    answer = olga.get(repo)
    assert ok(answer)["full_name"] == f"acme/{new}"
    assert answer.headers["content-location"] == f"http://hub.test/api/v1/repos/acme/{new}"
    assert ok(olga.patch(repo, {"namespace": "olga"}))["full_name"] == f"olga/{new}"
    assert ok(olga.get(repo))["full_name"] == f"olga/{new}"
    refused(world.as_("rita").get(repo), 404)
    refused(olga.patch(f"/repos/olga/{new}", {"name": "a/b"}), 422, "invalid_name")
    refused(olga.patch(f"/repos/olga/{new}", {"name": "x", "labels": []}), 422, "move_and_change")
    refused(olga.patch(f"/repos/olga/{new}", {"namespace": "sven"}), 403)
    refused(olga.patch(f"/repos/olga/{new}", {"namespace": "nowhere"}), 404, "namespace_not_found")
    taken = world.repo().rpartition("/")[2]
    body = {"namespace": "acme", "name": taken}
    refused(olga.patch(f"/repos/olga/{new}", body), 409, "repo_exists")
    refused(world.as_("mara").patch(f"/repos/acme/{taken}", {"name": "x"}), 403, "role_missing")
    refused(world.as_(None).patch(f"/repos/acme/{taken}", {"name": "x"}), 401)


def test_deleting_and_restoring(world: World) -> None:
    repo = world.repo()
    olga = world.as_("olga")
    refused(world.as_("mara").delete(repo), 403, "role_missing")
    refused(world.as_("sven").delete(repo), 404)
    refused(world.as_(None).delete(repo), 401)
    until = datetime.fromisoformat(ok(olga.delete(repo))["restorable_until"])
    assert timedelta(days=29) < until - datetime.now(UTC) < timedelta(days=31)
    refused(olga.get(repo), 404)
    refused(olga.delete(repo), 404)
    refused(world.as_("mara").post(f"{repo}/restore"), 403)
    refused(world.as_(None).post(f"{repo}/restore"), 401)
    assert ok(olga.post(f"{repo}/restore"))["deleted_at"] is None
    ok(olga.get(repo))
    refused(olga.post(f"{repo}/restore"), 404, "repo_not_found")
    ok(olga.delete(repo))
    body = {"namespace": "acme", "name": repo.rpartition("/")[2]}
    ok(olga.post("/repos", body), 201)
    refused(olga.post(f"{repo}/restore"), 409, "repo_exists")


def test_dependants_stop_a_deletion(world: World) -> None:
    repo = world.repo()
    olga = world.as_("olga")
    ok(olga.put(f"{repo}/artifacts/churn/stages/prod", {"revision": "main"}), 201)
    expected = [{"kind": "stage", "name": "churn#prod", "version": "v0.0.1"}]
    assert ok(world.as_("rita").get(f"{repo}/dependants"))["items"] == expected
    assert refused(olga.delete(repo), 409, "has_dependants")["fields"]["dependants"] == expected
    refused(olga.delete(f"{repo}?force=perhaps"), 400, "invalid_parameter")
    refused(world.as_(None).get(f"{repo}/dependants"), 401)
    refused(world.as_("sven").get(f"{repo}/dependants"), 404)
    ok(olga.delete(f"{repo}?force=true"))
