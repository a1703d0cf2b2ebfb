"""Revisions, commits, directories."""

from __future__ import annotations

import pytest

from tests.api.rest.world import World, ok, refused


@pytest.fixture(scope="module")
def repo(world: World) -> str:
    """main: three commits, the second one v1.0.0 and in prod; a branch feature/x at the first."""
    made = world.repo()
    olga = world.as_("olga")
    ok(olga.post(f"{made}/branches", {"name": "feature/x"}), 201)
    world.commit(made, {"a.txt": "one\n", "dir/b.txt": "b\n", "dir/deep/c.txt": "c\n"})
    body = {"version": "1.0.0", "message": "good"}
    ok(olga.post(f"{made}/artifacts/churn/versions", body), 201)
    ok(olga.put(f"{made}/artifacts/churn/stages/prod", {"version": "v1.0.0"}), 201)
    world.commit(made, {"a.txt": "two\n"})
    return made


@pytest.fixture(scope="module")
def history(world: World, repo: str) -> list[str]:
    return [commit["id"] for commit in ok(world.as_("rita").get(f"{repo}/commits"))["items"]]


def test_what_a_revision_names(world: World, repo: str, history: list[str]) -> None:
    rita = world.as_("rita")
    two, one, first = history
    for revision, commit in {
        "main": two,
        "HEAD": two,
        "refs%2Fheads%2Fmain": two,
        "feature%2Fx": first,
        "refs%2Fheads%2Ffeature%2Fx": first,
        two: two,
        one[:8]: one,
        "churn@v1.0.0": one,
        "churn@latest": one,
        "churn%23prod": one,
        "prod": one,
        "latest": one,
        "v1.0.0": one,
        "refs%2Ftags%2Fchurn@v1.0.0": one,
    }.items():
        answer = rita.get(f"{repo}/revisions/{revision}")
        assert ok(answer)["commit"]["id"] == commit, revision
        assert answer.headers["x-modelkeep-commit"] == commit
    named = ok(rita.get(f"{repo}/revisions/churn%23prod"))
    assert {k: v for k, v in named.items() if k != "commit"} == {
        "revision": "churn#prod",
        "artifact": "churn",
        "version": "v1.0.0",
        "stage": "prod",
    }


@pytest.mark.parametrize(
    "revision",
    [
        "nothing",
        "feature",
        "churn%23staging",
        "churn@v2.0.0",
        "main~1",
        "@{-1}",
        "%3Aa.txt",
        "0" * 40,
        "--all",
        "-h",
        "refs%2Fnotes%2Fx",
        "..main",
        "%20",
        "%24(id)",
        "%25",
    ],
)
def test_revisions_that_name_nothing(world: World, repo: str, revision: str) -> None:
    refused(world.as_("rita").get(f"{repo}/revisions/{revision}"), 404, "revision_not_found")
    refused(world.as_("rita").get(f"{repo}/tree/{revision}"), 404, "revision_not_found")


def test_a_commit(world: World, repo: str, history: list[str]) -> None:
    rita = world.as_("rita")
    commit = ok(rita.get(f"{repo}/commits/{history[0]}"))
    assert commit["parents"] == [history[1]]
    assert commit["author"]["name"] == "olga"
    assert commit["author"] == commit["committer"]
    assert commit["author"]["when"].endswith("Z")
    assert (commit["message"], commit["subject"]) == ("change\n", "change")
    assert ok(rita.get(f"{repo}/commits/{history[0][:6].upper()}")) == commit
    for bad in ("main", "0" * 40, "abc", commit["tree_id"], "--all", "HEAD"):
        refused(rita.get(f"{repo}/commits/{bad}"), 404, "commit_not_found")


def test_history(world: World, repo: str, history: list[str]) -> None:
    rita = world.as_("rita")
    assert [c["id"] for page in rita.pages(f"{repo}/commits", 1) for c in page] == history
    at_version = ok(rita.get(f"{repo}/commits?revision=churn@v1.0.0"))["items"]
    assert [c["id"] for c in at_version] == history[1:]
    assert [c["id"] for c in ok(rita.get(f"{repo}/commits?path=a.txt"))["items"]] == history[:2]
    assert [c["id"] for c in ok(rita.get(f"{repo}/commits?path=dir"))["items"]] == history[1:2]
    assert ok(rita.get(f"{repo}/commits?path=none"))["items"] == []


def test_pages_of_history_hold_still_while_people_push(world: World) -> None:
    repo = world.repo()
    world.commit(repo, {"a": "1"})
    first = ok(world.as_("rita").get(f"{repo}/commits?limit=1"))
    world.commit(repo, {"a": "2"})
    second = ok(world.as_("rita").get(f"{repo}/commits?limit=1&cursor={first['next_cursor']}"))
    assert first["items"][0]["parents"] == [second["items"][0]["id"]]
    assert second["next_cursor"] is None


def test_directories(world: World, repo: str, history: list[str]) -> None:
    rita = world.as_("rita")
    answer = rita.get(f"{repo}/tree/main")
    root = ok(answer)
    assert root["commit"] == answer.headers["x-modelkeep-commit"] == history[0]
    assert [(e["path"], e["kind"]) for e in root["items"]] == [
        (".gitattributes", "file"),
        ("README.md", "file"),
        ("a.txt", "file"),
        ("dir", "directory"),
    ]
    below = ok(rita.get(f"{repo}/tree/main/dir"))
    assert [e["path"] for e in below["items"]] == ["dir/b.txt", "dir/deep"]
    assert below["items"][0] == {
        "path": "dir/b.txt",
        "kind": "file",
        "id": "61780798228d17af2d34fce4cfbdf35556832472",
        "size": 2,
        "mode": "100644",
        "lfs": None,
    }
    assert ok(rita.get(f"{repo}/tree/main/dir/"))["items"] == below["items"]
    assert ok(rita.get(f"{repo}/tree/main/dir%2Fdeep"))["items"][0]["path"] == "dir/deep/c.txt"
    everything = [e["path"] for page in rita.pages(f"{repo}/tree/main?recursive=true", 2) for e in page]
    assert everything == [
        ".gitattributes",
        "README.md",
        "a.txt",
        "dir",
        "dir/b.txt",
        "dir/deep",
        "dir/deep/c.txt",
    ]
    assert [e["path"] for e in ok(rita.get(f"{repo}/tree/feature%2Fx"))["items"]] == [
        ".gitattributes",
        "README.md",
    ]


def test_an_lfs_file_shows_as_what_it_stands_for(world: World) -> None:
    repo = world.repo()
    oid = world.upload(repo, b"weights" * 1000)
    operation = {"op": "add", "path": "m.bin", "lfs": {"oid": oid, "size": 7000}}
    ok(world.as_("olga").post(f"{repo}/commits", {"message": "m", "operations": [operation]}), 201)
    entry = ok(world.as_("rita").get(f"{repo}/tree/main"))["items"][-1]
    assert (entry["path"], entry["size"], entry["lfs"]) == ("m.bin", 7000, {"oid": oid, "size": 7000})


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("none", 404, "path_not_found"),
        ("a.txt", 404, "path_not_found"),
        ("dir%00", 400, "invalid_path"),
        ("dir/../dir", 400, "invalid_path"),
        ("dir/%2e%2e/dir", 400, "invalid_path"),
        ("dir%2F..%2Fdir", 400, "invalid_path"),
        ("dir//deep", 422, "invalid_path"),
        (".git/config", 422, "invalid_path"),
        ("d/" * 300 + "d", 422, "invalid_path"),
        ("%ff", 400, "invalid_path"),
        ("%zz", 400, "invalid_path"),
        ("x" * 9000, 400, "path_too_long"),
    ],
)
def test_paths_that_lead_nowhere(world: World, repo: str, path: str, status: int, code: str) -> None:
    # httpx would tidy the path up; a hostile client does not.
    answer = world.as_("rita").raw("GET", f"{repo}/tree/main/{path}")
    refused(answer, status, code)


@pytest.mark.parametrize("cursor", ["x", "e30", "W10", "bnVsbA", "WzFd", "W251bGxd", "%00", "A" * 3000])
def test_cursors_of_nobody(world: World, repo: str, cursor: str) -> None:
    rita = world.as_("rita")
    for place in ("/repos", f"{repo}/tree/main", f"{repo}/commits", f"{repo}/branches", f"{repo}/artifacts"):
        refused(rita.get(f"{place}?cursor={cursor}"), 400, "invalid_cursor")


def test_who_may_read(world: World, repo: str) -> None:
    for place in (
        "revisions/main",
        "commits",
        "commits/abcdef",
        "tree/main",
        "tree/main/dir",
        "files/main/a.txt",
    ):
        there = refused(world.as_("sven").get(f"{repo}/{place}"), 404, "repo_not_found")
        missing = refused(world.as_("sven").get(f"/repos/acme/missing/{place}"), 404, "repo_not_found")
        assert set(there) == set(missing)
        refused(world.as_(None).get(f"{repo}/{place}"), 401)
        refused(world.as_(None).get(f"/repos/acme/missing/{place}"), 401)
