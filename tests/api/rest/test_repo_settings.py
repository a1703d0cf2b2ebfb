"""Roles in a single repo, protection rules, the index, the audit log."""

from __future__ import annotations

import pytest

from tests.api.rest.world import World, ok, refused


def test_members_of_a_single_repo(world: World) -> None:
    repo = world.repo()
    olga = world.as_("olga")
    refused(world.as_("sven").get(repo), 404)
    given = ok(olga.put(f"{repo}/members/sven", {"role": "contributor"}))
    assert given == {"user": "sven", "full_name": "", "role": "contributor"}
    assert ok(world.as_("sven").get(repo))["role"] == "contributor"
    assert ok(world.as_("mara").get(f"{repo}/members"))["items"] == [given]
    ok(olga.put(f"{repo}/members/sven", {"role": "reader"}))
    refused(world.as_("cato").get(f"{repo}/members"), 403, "role_missing")
    refused(world.as_(None).get(f"{repo}/members"), 401)
    refused(world.as_("mara").put(f"{repo}/members/sven", {"role": "owner"}), 403, "role_missing")
    refused(world.as_(None).put(f"{repo}/members/sven", {"role": "owner"}), 401)
    refused(olga.put(f"{repo}/members/nobody", {"role": "reader"}), 404, "user_not_found")
    refused(olga.put(f"{repo}/members/sven", {"role": "emperor"}), 422, "invalid_input")
    refused(world.as_("mara").delete(f"{repo}/members/sven"), 403, "role_missing")
    refused(world.as_(None).delete(f"{repo}/members/sven"), 401)
    assert olga.delete(f"{repo}/members/sven").status_code == 204
    refused(olga.delete(f"{repo}/members/sven"), 404, "member_not_found")
    refused(world.as_("sven").get(f"{repo}/members"), 404, "repo_not_found")


def test_protection_rules(world: World) -> None:
    repo = world.repo()
    mara = world.as_("mara")
    body = {"pattern": "release/*", "kind": "branch", "push_role": "maintainer"}
    answer = mara.post(f"{repo}/protections", body)
    rule = ok(answer, 201)
    assert answer.headers["location"].endswith(f"{repo}/protections/{rule['id']}")
    assert rule == {**body, "id": rule["id"], "allows_force": False, "allows_delete": False}
    assert ok(world.as_("rita").get(f"{repo}/protections"))["items"] == [rule]
    refused(world.as_("cato").post(f"{repo}/branches", {"name": "release/1"}), 403, "protected_ref")
    ok(mara.post(f"{repo}/branches", {"name": "release/1"}), 201)
    refused(mara.delete(f"{repo}/branches/release%2F1"), 403, "protected_ref")
    refused(world.as_("cato").post(f"{repo}/protections", body), 403, "role_missing")
    refused(world.as_(None).post(f"{repo}/protections", body), 401)
    refused(world.as_("sven").post(f"{repo}/protections", body), 404, "repo_not_found")
    refused(world.as_("sven").get(f"{repo}/protections"), 404, "repo_not_found")
    refused(world.as_(None).get(f"{repo}/protections"), 401)
    refused(world.as_("cato").delete(f"{repo}/protections/{rule['id']}"), 403)
    refused(world.as_(None).delete(f"{repo}/protections/{rule['id']}"), 401)
    refused(mara.delete(f"{world.repo()}/protections/{rule['id']}"), 404, "rule_not_found")
    assert mara.delete(f"{repo}/protections/{rule['id']}").status_code == 204
    refused(mara.delete(f"{repo}/protections/{rule['id']}"), 404, "rule_not_found")
    assert mara.delete(f"{repo}/branches/release%2F1").status_code == 204


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"pattern": ""}, "invalid_input"),
        ({"pattern": "a b"}, "invalid_pattern"),
        ({"pattern": "x" * 300}, "invalid_pattern"),
        ({"kind": "both"}, "invalid_input"),
        ({"push_role": "nobody"}, "invalid_input"),
        ({"allows_force": "no"}, "invalid_input"),
    ],
)
def test_rules_that_cannot_be(world: World, change: dict[str, object], code: str) -> None:
    body = {"pattern": "x", "kind": "tag", "push_role": "owner", **change}
    refused(world.as_("mara").post(f"{world.repo()}/protections", body), 422, code)


def test_rebuilding_the_index(world: World) -> None:
    repo = world.repo()
    ok(world.as_("olga").post(f"{repo}/artifacts/churn/versions"), 201)
    before = ok(world.as_("olga").get(f"{repo}/artifacts"))
    assert ok(world.as_("mara").post(f"{repo}/reindex")) == {"refs": 2}
    assert ok(world.as_("olga").get(f"{repo}/artifacts")) == before
    refused(world.as_("cato").post(f"{repo}/reindex"), 403, "role_missing")
    refused(world.as_("sven").post(f"{repo}/reindex"), 404)
    refused(world.as_(None).post(f"{repo}/reindex"), 401)


def test_the_audit_log(world: World) -> None:
    repo = world.repo()
    name = repo.removeprefix("/repos/")
    ok(world.as_("mara").patch(repo, {"description": "x"}))
    entries = ok(world.as_("olga").get(f"/audit?repo={name}"))["items"]
    assert [(e["user"], e["action"], e["door"]) for e in entries] == [
        ("mara", "repo.update", "rest"),
        ("olga", "repo.create", "rest"),
    ]
    assert entries[0]["token_id"] is not None
    assert entries[0]["address"] == "127.0.0.1"
    assert [len(page) for page in world.as_("olga").pages(f"/audit?repo={name}", 1)] == [1, 1]
    of_mara = ok(world.as_("olga").get("/audit?namespace=acme&user=mara"))["items"]
    assert {e["user"] for e in of_mara} == {"mara"}
    created = ok(world.as_("ada").get("/audit?action=repo.create"))["items"]
    assert {e["action"] for e in created} == {"repo.create"}
    assert ok(world.as_("ada").get("/audit?user=nobody"))["items"] == []
    refused(world.as_("mara").get(f"/audit?repo={name}"), 403, "role_missing")
    refused(world.as_("mara").get("/audit?namespace=acme"), 403, "role_missing")
    refused(world.as_("olga").get("/audit"), 403, "admin_needed")
    refused(world.as_("sven").get(f"/audit?repo={name}"), 404, "repo_not_found")
    refused(world.as_("sven").get("/audit?namespace=acme"), 404, "namespace_not_found")
    for query in ("", f"?repo={name}", "?namespace=acme"):
        refused(world.as_(None).get(f"/audit{query}"), 401)
    refused(world.as_("olga").get("/audit?repo=acme"), 422, "invalid_name")
    refused(world.as_("olga").get("/audit?repo=a/b/c"), 422, "invalid_name")
