"""Commits made through the API."""

from __future__ import annotations

import base64

import pytest

from modelkeep.domain.access import Scope
from tests.api.rest.world import World, ok, refused


def add(path: str, content: str = "x") -> dict[str, object]:
    return {"op": "add", "path": path, "content": content}


def test_all_operations_in_one_commit(world: World) -> None:
    repo = world.repo()
    tip = world.commit(repo, {"old.txt": "old", "dir/a": "a", "dir/b": "b", "keep.txt": "keep"})
    oid = world.upload(repo, b"w" * 500)
    body = {
        "message": "Everything\n\nat once",
        "parent": tip,
        "author": {"name": "somebody else"},
        "operations": [
            add("text.txt", "grüße\n"),
            {"op": "add", "path": "bytes.dat", "content_base64": base64.b64encode(b"\0\xff").decode()},
            {"op": "add", "path": "model.bin", "lfs": {"oid": oid, "size": 500}},
            {"op": "delete", "path": "old.txt"},
            {"op": "delete", "path": "dir"},
            {"op": "copy", "from": "keep.txt", "to": "copies/kept.txt"},
        ],
    }
    answer = world.as_("cato").post(f"{repo}/commits", body)
    made = ok(answer, 201)
    commit = made["commit"]
    assert made["branch"] == "main"
    assert answer.headers["location"] == f"http://hub.test/api/v1{repo}/commits/{commit['id']}"
    assert (commit["parents"], commit["subject"], commit["author"]["name"]) == ([tip], "Everything", "cato")
    tree = ok(world.as_("rita").get(f"{repo}/tree/main?recursive=true"))["items"]
    assert [entry["path"] for entry in tree if entry["kind"] == "file"] == [
        ".gitattributes",
        "README.md",
        "bytes.dat",
        "copies/kept.txt",
        "keep.txt",
        "model.bin",
        "text.txt",
    ]
    read = {
        path: world.as_("rita").get(f"{repo}/files/main/{path}").content for path in ("text.txt", "bytes.dat")
    }
    assert read == {"text.txt": "grüße\n".encode(), "bytes.dat": b"\0\xff"}
    assert world.as_("rita").get(f"{repo}/files/main/model.bin").content == b"w" * 500


def test_a_file_that_goes_through_lfs_for_its_size_alone_is_tracked(world: World) -> None:
    repo = world.repo()
    oid = world.upload(repo, b"one" * 100)
    body = {
        "message": "m",
        "operations": [{"op": "add", "path": "big.txt", "lfs": {"oid": oid, "size": 300}}],
    }
    ok(world.as_("cato").post(f"{repo}/commits", body), 201)
    rules = world.as_("rita").get(f"{repo}/files/main/.gitattributes").text
    assert rules.endswith("/big.txt filter=lfs diff=lfs merge=lfs -text\n")
    assert "*.safetensors filter=lfs" in rules
    body["message"] = "again"
    body["operations"][0]["lfs"] = {"oid": world.upload(repo, b"two" * 100), "size": 300}  # type: ignore[index]
    ok(world.as_("cato").post(f"{repo}/commits", body), 201)
    assert world.as_("rita").get(f"{repo}/files/main/.gitattributes").text == rules


def test_branches(world: World) -> None:
    repo = world.repo()
    cato = world.as_("cato")
    body = {"message": "m", "operations": [add("x")], "branch": "new/branch"}
    refused(cato.post(f"{repo}/commits", body), 404, "branch_not_found")
    made = ok(cato.post(f"{repo}/commits", {**body, "create_branch_from": "main"}), 201)
    assert made["branch"] == "new/branch"
    assert ok(cato.get(f"{repo}/revisions/new%2Fbranch"))["commit"]["id"] == made["commit"]["id"]
    refused(cato.get(f"{repo}/files/main/x"), 404)


def test_the_first_commit_of_an_empty_repo(world: World) -> None:
    repo = world.repo(empty=True)
    world.commit(repo, {"first.txt": "1"})
    assert [e["path"] for e in ok(world.as_("rita").get(f"{repo}/tree/main"))["items"]] == ["first.txt"]


def test_somebody_else_pushed(world: World) -> None:
    repo = world.repo()
    stale = world.commit(repo, {"x": "1"})
    tip = world.commit(repo, {"x": "2"})
    body = {"message": "m", "operations": [add("x", "3")], "parent": stale}
    problem = refused(world.as_("cato").post(f"{repo}/commits", body), 409, "branch_moved")
    assert problem["fields"] == {"tip": tip}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"message": " "}, 422, "invalid_message"),
        ({"message": None}, 422, "invalid_input"),
        ({"operations": []}, 422, "invalid_input"),
        ({"operations": {}}, 422, "invalid_input"),
        ({"operations": [{"op": "chmod", "path": "x"}]}, 422, "invalid_input"),
        ({"operations": [{"path": "x"}]}, 422, "invalid_input"),
        ({"operations": ["add x"]}, 422, "invalid_input"),
        ({"operations": [{"op": "add", "path": "x"}]}, 422, "operation_content"),
        ({"operations": [{**add("x"), "content_base64": "eA=="}]}, 422, "operation_content"),
        ({"operations": [{"op": "add", "path": "x", "content_base64": "!"}]}, 422, "operation_content"),
        ({"operations": [{"op": "add", "path": "x", "content_base64": "ü"}]}, 422, "operation_content"),
        ({"operations": [{"op": "add", "path": "x", "lfs": {"oid": "z", "size": 1}}]}, 422, "invalid_input"),
        (
            {"operations": [{"op": "add", "path": "x", "lfs": {"oid": "a" * 64, "size": -1}}]},
            422,
            "invalid_input",
        ),
        (
            {"operations": [{"op": "add", "path": "x", "lfs": {"oid": "a" * 64, "size": 2**63}}]},
            422,
            "invalid_input",
        ),
        (
            {"operations": [{"op": "add", "path": "x", "lfs": {"oid": "a" * 64, "size": 1}}]},
            422,
            "lfs_object_missing",
        ),
        ({"operations": [add("x"), add("x")]}, 422, "path_given_twice"),
        ({"operations": [add("x"), add("x/y")]}, 422, "path_given_twice"),
        ({"operations": [add("/etc/passwd")]}, 422, "invalid_path"),
        ({"operations": [add("../x")]}, 422, "invalid_path"),
        ({"operations": [add("a/../x")]}, 422, "invalid_path"),
        ({"operations": [add(".git/hooks/post-receive")]}, 422, "invalid_path"),
        ({"operations": [add("a/.GIT/config")]}, 422, "invalid_path"),
        ({"operations": [add("GIT~1/config")]}, 422, "invalid_path"),
        ({"operations": [add(".gitmodules")]}, 422, "invalid_path"),
        ({"operations": [add("a\u0000b")]}, 422, "invalid_path"),
        ({"operations": [add("a\\b")]}, 422, "invalid_path"),
        ({"operations": [add("x" * 256)]}, 422, "invalid_path"),
        ({"operations": [add("x" * 5000)]}, 422, "invalid_input"),
        ({"operations": [add("README.md/x")]}, 409, "path_is_file"),
        ({"operations": [{"op": "delete", "path": "none"}]}, 409, "path_missing"),
        ({"operations": [{"op": "copy", "from": "none", "to": "x"}]}, 409, "path_missing"),
        ({"operations": [{"op": "copy", "from": "README.md", "to": "../x"}]}, 422, "invalid_path"),
        ({"operations": [add("big.dat", "x" * (10 * 2**20 + 1))]}, 413, "file_too_large"),
        ({"branch": "a..b"}, 422, "invalid_ref"),
        ({"branch": "-x"}, 422, "invalid_ref"),
        ({"branch": "refs/notes/../heads/main"}, 422, "invalid_ref"),
        ({"branch": "x", "create_branch_from": "nothing"}, 404, "revision_not_found"),
        ({"parent": "f" * 40}, 409, "branch_moved"),
        ({"committer": {}}, 422, "invalid_input"),
    ],
)
def test_commits_that_cannot_be(
    world: World, unchanging: str, change: dict[str, object], status: int, code: str
) -> None:
    body = {"message": "m", "operations": [add("x")], **change}
    before = ok(world.as_("olga").get(f"{unchanging}/refs"))
    refused(world.as_("olga").post(f"{unchanging}/commits", body), status, code)
    assert ok(world.as_("olga").get(f"{unchanging}/refs")) == before


@pytest.fixture(scope="module")
def unchanging(world: World) -> str:
    return world.repo()


def test_a_body_over_the_limit_is_not_read(world: World) -> None:
    repo = world.repo()
    limit = world.hub.rules.max_commit_body
    body = b'{"message": "' + b"x" * limit + b'"}'
    headers = {"Content-Type": "application/json"}
    answer = world.as_("olga").request("POST", f"{repo}/commits", content=body, headers=headers)
    assert refused(answer, 413, "body_too_large")["fields"] == {"limit": limit}
    answer = world.as_(None).request("POST", f"{repo}/commits", content=body, headers=headers)
    refused(answer, 401)


def test_who_may(world: World) -> None:
    repo = world.repo()
    body = {"message": "m", "operations": [add("x")]}
    refused(world.as_("rita").post(f"{repo}/commits", body), 403, "role_missing")
    refused(
        world.token("olga", Scope.READ, Scope.PROMOTE).post(f"{repo}/commits", body), 403, "scope_missing"
    )
    refused(world.token("olga", Scope.WRITE, limits=("acme/x",)).post(f"{repo}/commits", body), 404)
    refused(world.as_("sven").post(f"{repo}/commits", body), 404, "repo_not_found")
    refused(world.as_(None).post(f"{repo}/commits", body), 401)
    refused(world.as_(None).post(f"{world.repo('public')}/commits", body), 401)
    refused(world.as_("sven").post(f"{world.repo('public')}/commits", body), 403, "role_missing")
    ok(
        world.token("cato", Scope.WRITE, limits=(repo.removeprefix("/repos/"),)).post(
            f"{repo}/commits", body
        ),
        201,
    )


def test_where_files_belong(world: World) -> None:
    repo = world.repo()
    files = [
        {"path": "model.safetensors", "size": 10},
        {"path": "notes.txt", "size": 10},
        {"path": "big.csv", "size": 11 * 2**20},
        {"path": "deep/er/model.onnx", "size": 0},
    ]
    answer = ok(world.as_("cato").post(f"{repo}/preupload", {"files": files}))
    assert {item["path"]: item["storage"] for item in answer["items"]} == {
        "model.safetensors": "lfs",
        "notes.txt": "git",
        "big.csv": "lfs",
        "deep/er/model.onnx": "lfs",
    }
    empty = world.repo(empty=True)
    small = [{"path": "a.bin", "size": 1}]
    assert ok(world.as_("cato").post(f"{empty}/preupload", {"files": small}))["items"][0]["storage"] == "git"
    new_branch = {"revision": "not-there-yet", "files": small}
    ok(world.as_("cato").post(f"{repo}/preupload", new_branch))
    assert ok(world.as_("cato").post(f"{repo}/preupload", {"files": []}))["items"] == []
    refused(
        world.as_("cato").post(f"{repo}/preupload", {"files": [{"path": "../x", "size": 1}]}),
        422,
        "invalid_path",
    )
    for size in (-1, 1.5, "1", None, 2**63, 10**400):
        refused(world.as_("cato").post(f"{repo}/preupload", {"files": [{"path": "x", "size": size}]}), 422)
    refused(world.as_("rita").post(f"{repo}/preupload", {"files": small}), 403, "role_missing")
    refused(world.as_("sven").post(f"{repo}/preupload", {"files": small}), 404, "repo_not_found")
    refused(world.as_(None).post(f"{repo}/preupload", {"files": small}), 401)
