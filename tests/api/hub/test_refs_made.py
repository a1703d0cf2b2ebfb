"""Branches and tags, made and deleted."""

from __future__ import annotations

import pytest

from modelkeep.domain.repos import Repo
from tests.api.hub.world import World, ok, refused


def url(repo: Repo, path: str) -> str:
    return f"/api/models/{repo.full_name}{path}"


def refs(world: World, repo: Repo, kind: str) -> dict[str, str]:
    found = ok(world.as_("olga").get(url(repo, "/refs")))[kind]
    return {ref["name"]: ref["targetCommit"] for ref in found}


def test_branches(world: World) -> None:
    repo, cato = world.repo(), world.as_("cato")
    first = refs(world, repo, "branches")["main"]
    second = world.commit(repo, {"a.txt": "a"})
    ok(cato.post(url(repo, "/branch/dev")))
    ok(cato.post(url(repo, "/branch/old%2Fone"), json={"startingPoint": first[:8]}))
    assert refs(world, repo, "branches") == {"main": second, "dev": second, "old/one": first}
    message = refused(cato.post(url(repo, "/branch/dev"), json={}), 409)
    assert message == "Reference refs/heads/dev already exists"
    ok(cato.delete(url(repo, "/branch/old%2Fone")))
    assert set(refs(world, repo, "branches")) == {"main", "dev"}


def test_branches_that_cannot_be(world: World) -> None:
    repo, olga = world.repo(), world.as_("olga")
    for name in ("refs%2Fpr%2F5", "refs%2Ffoo%2Fbar"):
        assert "Invalid reference for a branch" in refused(olga.post(url(repo, f"/branch/{name}")), 400)
    refused(olga.post(url(repo, "/branch/a%20b")), 400)
    refused(olga.post(url(repo, "/branch/x"), json={"startingPoint": "none"}), 404, "RevisionNotFound")
    refused(olga.post(url(repo, "/branch/x"), json={"startingPoint": 5}), 400)
    assert "Cannot delete refs/heads/main" in refused(olga.delete(url(repo, "/branch/main")), 403)
    assert "Invalid rev id" in refused(olga.delete(url(repo, "/branch/none")), 404, "RevisionNotFound")


def test_a_branch_may_have_a_tags_name(world: World) -> None:
    repo, olga = world.repo(), world.as_("olga")
    ok(olga.post(url(repo, "/tag/main"), json={"tag": "v1"}))
    assert "Invalid rev id" in refused(olga.delete(url(repo, "/branch/v1")), 404, "RevisionNotFound")
    ok(olga.post(url(repo, "/branch/v1")))
    ok(olga.delete(url(repo, "/branch/v1")))
    assert set(refs(world, repo, "tags")) == {"v1"}


def test_tags(world: World) -> None:
    repo, cato = world.repo(), world.as_("cato")
    first = refs(world, repo, "branches")["main"]
    second = world.commit(repo, {"a.txt": "a"})
    for tag, at in (("a", "main"), ("b", first), ("c", first[:7]), ("d", "a"), ("e", "refs%2Fheads%2Fmain")):
        ok(cato.post(url(repo, f"/tag/{at}"), json={"tag": tag, "message": None if tag == "a" else "said"}))
    assert refs(world, repo, "tags") == {"a": second, "b": first, "c": first, "d": second, "e": second}
    assert "already exists" in refused(cato.post(url(repo, "/tag/main"), json={"tag": "a"}), 409)
    refused(cato.post(url(repo, "/tag/main"), json={"tag": "a b"}), 400)
    for tag in ("x", "x y"):
        refused(cato.post(url(repo, "/tag/none"), json={"tag": tag}), 404, "RevisionNotFound")
    refused(cato.post(url(repo, "/tag/main"), json={}), 400)
    ok(cato.delete(url(repo, "/tag/a")))
    refused(cato.delete(url(repo, "/tag/a")), 404, "RevisionNotFound")


def test_a_tag_of_a_pull_request(world: World) -> None:
    repo, olga = world.repo(), world.as_("olga")
    made = world.hub.pull_requests.open(world.actor("olga"), "acme", repo.name, title="Try it")
    ok(olga.post(url(repo, "/tag/refs%2Fpr%2F1"), json={"tag": "tried"}))
    assert refs(world, repo, "tags") == {"tried": made.base_commit}


def test_tags_of_the_registry_pass_its_gate(world: World) -> None:
    """They are versions and stages at once, with or without a message; who may not make one is refused."""
    repo, olga = world.repo(), world.as_("olga")
    commit = world.commit(repo, {"a.txt": "a"})
    ok(olga.post(url(repo, "/tag/main"), json={"tag": "churn@v1.0.0"}))
    ok(olga.post(url(repo, "/tag/churn%40v1.0.0"), json={"tag": "churn#prod#1", "message": "go"}))
    assert ok(olga.get(url(repo, "/revision/churn%23prod")))["sha"] == commit
    version = world.hub.versions.get(world.actor("olga"), "acme", repo.name, "churn", "v1.0.0")
    assert (version.commit, version.message.strip()) == (commit, "churn@v1.0.0")
    refused(olga.post(url(repo, "/tag/main"), json={"tag": "churn@v1.0.0"}), 409)
    refused(world.as_("rita").post(url(repo, "/tag/main"), json={"tag": "churn@v2.0.0"}), 403)


@pytest.mark.parametrize("name", [None, "sven"])
def test_who_may_not_see_it_sees_nothing(world: World, name: str | None) -> None:
    repo, status = world.repo(), 401 if name is None else 404
    for path in ("/branch/x", "/tag/main"):
        refused(world.as_(name).post(url(repo, path), json={"tag": "x"}), status, "RepoNotFound")
        refused(world.as_(name).delete(url(repo, path)), status, "RepoNotFound")


def test_readers_change_nothing(world: World) -> None:
    repo = world.repo()
    refused(world.as_("rita").post(url(repo, "/branch/x")), 403)
    refused(world.as_("rita").post(url(repo, "/tag/main"), json={"tag": "x"}), 403)
