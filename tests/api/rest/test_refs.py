"""Branches and tags."""

from __future__ import annotations

import pytest

from modelkeep.domain.access import Scope
from tests.api.rest.world import World, ok, refused


def test_branches(world: World) -> None:
    repo = world.repo()
    tip = world.commit(repo, {"a.txt": "a"})
    cato = world.as_("cato")
    answer = cato.post(f"{repo}/branches", {"name": "feature/x", "from": "main"})
    made = ok(answer, 201)
    assert made == {"name": "feature/x", "ref": "refs/heads/feature/x", "target": tip, "commit": tip}
    assert (
        ok(cato.get(answer.headers["location"].removeprefix("http://hub.test/api/v1")))["commit"]["id"] == tip
    )
    ok(cato.post(f"{repo}/branches", {"name": "other"}), 201)
    names = [ref["name"] for page in cato.pages(f"{repo}/branches", 2) for ref in page]
    assert names == ["feature/x", "main", "other"]
    assert [r["name"] for r in ok(cato.get(f"{repo}/branches?query=ATUR"))["items"]] == ["feature/x"]
    assert ok(cato.get(f"{repo}/revisions/feature%2Fx"))["commit"]["id"] == tip
    assert cato.delete(f"{repo}/branches/feature%2Fx").status_code == 204
    refused(cato.delete(f"{repo}/branches/feature%2Fx"), 404, "ref_not_found")
    refused(cato.delete(f"{repo}/branches/main"), 403, "protected_ref")


def test_tags(world: World) -> None:
    repo = world.repo()
    cato = world.as_("cato")
    plain = ok(cato.post(f"{repo}/tags", {"name": "plain"}), 201)
    assert plain["target"] == plain["commit"]
    annotated = ok(cato.post(f"{repo}/tags", {"name": "a/b", "message": "why"}), 201)
    assert annotated["target"] != annotated["commit"] == plain["commit"]
    ok(cato.post(f"{repo}/artifacts/churn/versions"), 201)

    def listed(query: str = "") -> list[str]:
        return [ref["name"] for ref in ok(cato.get(f"{repo}/tags{query}"))["items"]]

    assert listed() == ["a/b", "churn@v0.0.1", "plain"]
    assert listed("?registry=exclude") == ["a/b", "plain"]
    assert listed("?registry=only") == ["churn@v0.0.1"]
    refused(cato.get(f"{repo}/tags?registry=maybe"), 400, "invalid_parameter")
    refs = [ref["ref"] for page in cato.pages(f"{repo}/refs", 1) for ref in page]
    assert refs == ["refs/heads/main", "refs/tags/a/b", "refs/tags/churn@v0.0.1", "refs/tags/plain"]
    assert cato.delete(f"{repo}/tags/a%2Fb").status_code == 204
    refused(cato.delete(f"{repo}/tags/churn@v0.0.1"), 403, "registry_tag")
    assert world.as_("mara").delete(f"{repo}/tags/churn@v0.0.1").status_code == 204
    assert ok(cato.get(f"{repo}/artifacts"))["items"] == []


@pytest.mark.parametrize("kind", ["branches", "tags"])
def test_names_that_cannot_be(world: World, kind: str) -> None:
    repo = world.repo()
    for name in (
        "a..b",
        "a b",
        "a~1",
        "x.lock",
        "/x",
        "x/",
        "a//b",
        "\u0000",
        "a\nb",
        "-x" if kind == "branches" else "@{",
    ):
        refused(world.as_("olga").post(f"{repo}/{kind}", {"name": name}), 422, "invalid_ref")
    refused(world.as_("olga").post(f"{repo}/{kind}", {"name": ""}), 422, "invalid_input")
    refused(
        world.as_("olga").post(f"{repo}/{kind}", {"name": "x", "from": "nothing"}), 404, "revision_not_found"
    )
    refused(world.as_("olga").post(f"{repo}/{kind}", {"name": "x", "source": "main"}), 422, "invalid_input")
    refused(world.as_("olga").delete(f"{repo}/{kind}/a..b"), 404, "ref_not_found")


@pytest.mark.parametrize("kind", ["branches", "tags"])
def test_who_may(world: World, kind: str) -> None:
    repo = world.repo()
    ok(world.as_("olga").post(f"{repo}/{kind}", {"name": "there"}), 201)
    refused(world.as_("olga").post(f"{repo}/{kind}", {"name": "there"}), 409)
    refused(world.as_("rita").post(f"{repo}/{kind}", {"name": "x"}), 403, "role_missing")
    refused(world.as_("rita").delete(f"{repo}/{kind}/there"), 403, "role_missing")
    refused(world.token("olga", Scope.READ).post(f"{repo}/{kind}", {"name": "x"}), 403, "scope_missing")
    refused(world.token("olga", Scope.PROMOTE).delete(f"{repo}/{kind}/there"), 403, "scope_missing")
    refused(world.as_("sven").post(f"{repo}/{kind}", {"name": "x"}), 404, "repo_not_found")
    refused(world.as_("sven").get(f"{repo}/{kind}"), 404, "repo_not_found")
    refused(world.as_("sven").delete(f"{repo}/{kind}/there"), 404, "repo_not_found")
    refused(world.as_(None).post(f"{repo}/{kind}", {"name": "x"}), 401)
    refused(world.as_(None).get(f"{repo}/{kind}"), 401)
    refused(world.as_(None).delete(f"{repo}/{kind}/there"), 401)


def test_a_registry_tag_made_by_hand_must_be_right(world: World) -> None:
    repo = world.repo()
    refused(world.as_("olga").post(f"{repo}/tags", {"name": "churn@v1.0.0"}), 422, "tag_lightweight")
    ok(world.as_("olga").post(f"{repo}/tags", {"name": "churn@v1.0.0", "message": "first"}), 201)
    refused(world.as_("cato").post(f"{repo}/tags", {"name": "churn#prod#1", "message": "x"}), 403)
    assert ok(world.as_("rita").get(f"{repo}/artifacts"))["items"][0]["latest"] == "v1.0.0"
