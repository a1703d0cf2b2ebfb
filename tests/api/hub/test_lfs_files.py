"""LFS files listed, deleted for good, given to another repo; histories squashed."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from modelkeep.domain.access import Role
from modelkeep.domain.repos import Repo
from modelkeep.git import refs as git_refs
from modelkeep.services.commits import DeletePath
from tests.api.hub.world import World, ok, refused


def url(repo: Repo, path: str) -> str:
    plural = "datasets" if repo.kind == "dataset" else "models"
    return f"/api/{plural}/{repo.full_name}{path}"


def listed(world: World, repo: Repo, **query: Any) -> dict[str, dict[str, Any]]:
    return {one["filename"]: one for one in ok(world.as_("cato").get(url(repo, "/lfs-files"), params=query))}


def deletion(*oids: str, rewrite: bool = True) -> dict[str, object]:
    return {"deletions": {"sha": list(oids), "rewriteHistory": rewrite}}


def history(world: World, repo: Repo, ref: str = "main") -> list[str]:
    return [one["title"] for one in ok(world.as_("olga").get(url(repo, f"/commits/{ref}")))]


def git(world: World, repo: Repo, *args: str) -> str:
    git_dir = world.hub.repos._stores.repositories.path(repo.id)
    done = subprocess.run(["git", f"--git-dir={git_dir}", *args], capture_output=True, text=True, check=True)
    return done.stdout


def test_what_takes_room(world: World) -> None:
    repo = world.repo()
    kept, gone = world.upload(repo, b"kept" * 99), world.upload(repo, b"gone" * 999)
    loose = world.upload(repo, b"loose")
    world.commit(repo, {"sub/kept.bin": kept, "gone.bin": gone})
    world.commit(repo, {}, "Tidy", None, DeletePath("gone.bin"))
    found = listed(world, repo)
    assert found["sub/kept.bin"] | {"pushedAt": ""} == {
        "fileOid": kept.oid,
        "oid": kept.oid,
        "filename": "sub/kept.bin",
        "ref": "main",
        "size": kept.size,
        "pushedAt": "",
    }
    assert found["sub/kept.bin"]["pushedAt"].endswith("Z")
    assert (found["gone.bin"]["ref"], found["gone.bin"]["size"]) == (None, gone.size)
    assert found[loose.oid]["ref"] is None  # uploaded, and named by no commit


def test_a_page_at_a_time(world: World) -> None:
    repo = world.repo()
    for number in range(5):
        world.upload(repo, b"%d" % number)
    seen, target = [], url(repo, "/lfs-files?limit=2")
    while target:
        answer = world.as_("cato").get(target)
        seen += [one["oid"] for one in ok(answer)]
        target = answer.links.get("next", {}).get("url", "")
    assert len(seen) == len(set(seen)) == 5


def test_deleting_rewrites_branches(world: World) -> None:
    """The files go from every commit, and nothing else changes; the oid grants nothing any more."""
    repo, olga = world.repo(), world.as_("olga")
    big, other = world.upload(repo, b"big" * 99), world.upload(repo, b"other" * 99)
    first = world.commit(repo, {"a.txt": "a"}, "first")
    world.commit(repo, {"big.bin": big, "deep/only/big.bin": big, "o.bin": other}, "weights")
    world.commit(repo, {"b.txt": "b"}, "last", branch="dev")
    world.commit(repo, {"c.txt": "c"}, "later")
    ok(olga.post(url(repo, "/lfs-files/batch"), json=deletion(big.oid)))
    assert history(world, repo)[:3] == ["later", "weights", "first"]
    assert history(world, repo, "dev")[:3] == ["last", "weights", "first"]
    assert git(world, repo, "rev-parse", "main~2").strip() == first  # what came before keeps its id
    paths = git(world, repo, "ls-tree", "-r", "--name-only", "dev").split()
    assert {"a.txt", "b.txt", "o.bin"} < set(paths)
    assert not any("big.bin" in path for path in paths)
    assert big.oid not in git(world, repo, "log", "--all", "-p")
    assert git(world, repo, "fsck", "--strict", "--no-dangling") == ""
    assert {one["oid"] for one in listed(world, repo).values()} == {other.oid}
    batch = {"operation": "download", "objects": [{"oid": big.oid, "size": big.size}]}
    answer = olga.post(f"/{repo.full_name}.git/info/lfs/objects/batch", json=batch)
    assert answer.json()["objects"][0]["error"]["code"] == 404
    assert git_refs.list_refs(world.hub.repos._stores.repositories.path(repo.id))


def test_deleting_leaves_history_on_demand(world: World) -> None:
    repo, olga = world.repo(), world.as_("olga")
    big = world.upload(repo, b"big2" * 99)
    tip = world.commit(repo, {"big.bin": big})
    ok(olga.post(url(repo, "/lfs-files/batch"), json=deletion(big.oid, rewrite=False)))
    assert git(world, repo, "rev-parse", "main").strip() == tip
    assert listed(world, repo) == {}


def test_versions_keep_their_files(world: World) -> None:
    repo, olga = world.repo(), world.as_("olga")
    big = world.upload(repo, b"big3" * 99)
    tip = world.commit(repo, {"big.bin": big})
    ok(olga.post(url(repo, "/tag/main"), json={"tag": "churn@v1.0.0"}))
    world.commit(repo, {}, "Tidy", None, DeletePath("big.bin"))
    for rewrite in (True, False):
        answer = olga.post(url(repo, "/lfs-files/batch"), json=deletion(big.oid, rewrite=rewrite))
        assert "churn@v1.0.0" in refused(answer, 409)
    assert set(listed(world, repo)) == {"big.bin"}
    assert git(world, repo, "rev-parse", "churn@v1.0.0^{commit}").strip() == tip


def test_deleting_is_for_owners(world: World) -> None:
    repo = world.repo()
    big = world.upload(repo, b"big4")
    for name, status, code in (
        (None, 401, "RepoNotFound"),
        ("sven", 404, "RepoNotFound"),
        ("cato", 403, None),
    ):
        refused(world.as_(name).post(url(repo, "/lfs-files/batch"), json=deletion(big.oid)), status, code)
    refused(world.as_("rita").get(url(repo, "/lfs-files")), 403)
    bodies: list[dict[str, object]] = [{}, {"deletions": {}}, deletion("x")]
    for body in [*bodies, {"deletions": {"sha": [], "rewriteHistory": 1}}]:
        refused(world.as_("olga").post(url(repo, "/lfs-files/batch"), json=body), 400)
    assert set(listed(world, repo)) == {big.oid}


def test_giving_objects_to_another_repo(world: World) -> None:
    source, target = world.repo(), world.repo(place="datasets/acme")
    big = world.upload(source, b"big5" * 99)
    files = [{"sha256": oid, "xetHash": "", "filename": "x"} for oid in (big.oid, "0" * 64)]
    sent = {"target": {"type": "dataset", "name": target.full_name.__str__()}, "files": files}
    (failed,) = ok(world.as_("cato").post(url(source, "/lfs-files/duplicate"), json=sent))["failed"]
    assert failed["sha256"] == "0" * 64
    assert set(listed(world, target)) == {big.oid}
    for body in (
        {},
        {**sent, "target": {"name": "x"}},
        {**sent, "files": [{"sha256": "x"}]},
        {**sent, "files": 1},
    ):
        refused(world.as_("cato").post(url(source, "/lfs-files/duplicate"), json=body), 400)


def test_giving_needs_both_rights(world: World) -> None:
    source, mine = world.repo(), world.repo(place="olga")
    big = world.upload(source, b"big6" * 99)
    sent = {"files": [{"sha256": big.oid}], "target": {"type": "model", "name": str(mine.full_name)}}
    refused(world.as_("cato").post(url(source, "/lfs-files/duplicate"), json=sent), 404, "RepoNotFound")
    secret = world.upload(mine, b"secret" * 99)
    sent = {"files": [{"sha256": secret.oid}], "target": {"type": "model", "name": str(source.full_name)}}
    refused(world.as_("cato").post(url(mine, "/lfs-files/duplicate"), json=sent), 404, "RepoNotFound")
    refused(world.as_("rita").post(url(source, "/lfs-files/duplicate"), json=sent), 403)
    assert set(listed(world, source)) == {big.oid}


def test_squashing(world: World) -> None:
    repo, olga = world.repo(), world.as_("olga")
    world.commit(repo, {"a.txt": "a"})
    tip = world.commit(repo, {"b.txt": "b"})
    ok(olga.post(url(repo, "/tag/main"), json={"tag": "churn@v1.0.0"}))
    world.commit(repo, {"c.txt": "c"}, branch="dev/x")
    ok(olga.post(url(repo, "/super-squash/main"), json={"message": "All in one"}))
    assert history(world, repo) == ["All in one"]
    assert history(world, repo, "dev%2Fx")[-1] == "Initial commit"
    assert git(world, repo, "diff", "main", tip) == ""
    assert ok(olga.get(url(repo, "/revision/churn%40v1.0.0")))["sha"] == tip
    ok(world.as_("cato").post(url(repo, "/super-squash/dev%2Fx"), json={}))
    assert len(history(world, repo, "dev%2Fx")) == 1


def test_squashing_a_pull_request(world: World) -> None:
    repo, cato = world.repo(), world.as_("cato")
    made = world.hub.pull_requests.open(world.actor("rita"), "acme", repo.name, title="Try it")
    world.hub.commits.commit(
        world.actor("cato"), "acme", repo.name, [], "x", ref=made.ref, may_change_nothing=True
    )
    world.commit(repo, {"a.txt": "a"})
    ok(cato.post(url(repo, "/super-squash/refs%2Fpr%2F1"), json={"message": "One"}))
    refused(cato.post(url(repo, "/super-squash/refs%2Fpr%2F2"), json={}), 404, "RevisionNotFound")


def test_what_cannot_be_squashed(world: World) -> None:
    repo, olga = world.repo(), world.as_("olga")
    world.commit(repo, {"a.txt": "a"})
    ok(olga.post(url(repo, "/tag/main"), json={"tag": "v1"}))
    refused(olga.post(url(repo, "/super-squash/v1"), json={}), 400)
    refused(olga.post(url(repo, "/super-squash/none"), json={}), 404, "RevisionNotFound")
    refused(olga.post(url(repo, "/super-squash/main"), json={"message": 5}), 400)
    refused(world.as_("rita").post(url(repo, "/super-squash/main"), json={}), 403)
    # Contributors push to the default branch, and do not take away what it had.
    refused(world.as_("cato").post(url(repo, "/super-squash/main"), json={}), 403)


@pytest.mark.parametrize("call", ["squash", "delete"])
def test_a_rule_that_somebody_made_is_kept(world: World, call: str) -> None:
    repo, olga = world.repo(), world.as_("olga")
    big = world.upload(repo, b"big7" + call.encode())
    world.commit(repo, {"big.bin": big})
    world.hub.protections.add(
        world.actor("olga"), "acme", repo.name, is_tag=False, pattern="main", push_role=Role.OWNER
    )
    if call == "squash":
        refused(olga.post(url(repo, "/super-squash/main"), json={}), 403)
    else:
        refused(olga.post(url(repo, "/lfs-files/batch"), json=deletion(big.oid)), 403)
    assert set(listed(world, repo)) == {"big.bin"}


def test_validate_yaml(world: World) -> None:
    said, anyone = {"content": "---\nlicense: mit\n---\n# Hi", "repoType": "model"}, world.as_(None)
    assert ok(anyone.post("/api/validate-yaml", json=said)) == {"errors": [], "warnings": []}
    bare = ok(anyone.post("/api/validate-yaml", json={"content": "# Hi"}))
    assert (len(bare["warnings"]), bare["errors"]) == (1, [])
    wrong = {"content": "---\nlicense: nothing-like-it\n---\n"}
    answer = anyone.post("/api/validate-yaml", json=wrong)
    assert answer.status_code == 400
    assert '"license" must be one of' in answer.json()["errors"][0]["message"]
    plain = anyone.post("/api/validate-yaml", json=wrong, headers={"Accept": "text/plain"})
    assert plain.status_code == 400
    assert plain.text.startswith('- Error: "license" must be one of')
    refused(anyone.post("/api/validate-yaml", json={"content": 5}), 400)
    for kind in ("thing", ["model"], {"a": 1}, 1):
        refused(anyone.post("/api/validate-yaml", json={"content": "", "repoType": kind}), 400)
