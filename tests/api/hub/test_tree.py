"""``tree`` and ``paths-info``."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from modelkeep.domain.repos import Repo
from modelkeep.services.commits import DeletePath
from tests.api.hub.world import World, ok, refused


def tree(world: World, repo: Repo, path: str = "", **query: Any) -> list[dict[str, Any]]:
    url = f"/api/models/{repo.address}/tree/main{path}"
    found: list[dict[str, Any]] = ok(world.as_("rita").get(url, params=query))
    return found


def test_entries_have_what_clients_read(world: World) -> None:
    repo = world.repo({"config.json": "{}", "sub/a.txt": "abc"})
    pointer = world.upload(repo, b"weights" * 1000)
    world.commit(repo, {"model.safetensors": pointer})
    found = {entry["path"]: entry for entry in tree(world, repo)}
    assert found["config.json"] == {
        "type": "file",
        "oid": "9e26dfeeb6e641a33dae4961196235bdb965b21b",
        "size": 2,
        "path": "config.json",
    }
    assert found["model.safetensors"]["size"] == 7000
    assert found["model.safetensors"]["lfs"] == {"oid": pointer.oid, "size": 7000, "pointerSize": 129}
    sub = found["sub"]
    assert (sub["type"], sub["size"], len(sub["oid"])) == ("directory", 0, 40)
    assert "sub/a.txt" not in found
    assert [entry["path"] for entry in tree(world, repo, "/sub")] == ["sub/a.txt"]
    everything = [entry["path"] for entry in tree(world, repo, recursive="true")]
    assert {"sub", "sub/a.txt", "config.json"} <= set(everything)


def test_directories_come_first(world: World) -> None:
    repo = world.repo({"z/y/x.txt": "1", "z/a.txt": "2", "a.txt": "3", "b/c.txt": "4"})
    top = [".gitattributes", "README.md", "a.txt"]
    assert [entry["path"] for entry in tree(world, repo)] == ["b", "z", *top]
    everything = [entry["path"] for entry in tree(world, repo, recursive="true")]
    assert everything == ["b", "b/c.txt", "z", "z/y", "z/y/x.txt", "z/a.txt", *top]


def test_pages_are_named_by_links_and_stay_in_step(world: World) -> None:
    repo = world.repo({f"many/{number:04}.txt": "x" for number in range(1100)})
    rita, url = world.as_("rita"), f"/api/models/{repo.address}/tree/main/many?recursive=false"
    first = rita.get(url)
    assert len(ok(first)) == 1000
    world.commit(repo, {"many/0000a.txt": "new", "many/0001.txt": "changed"})
    second = rita.get(_next(first))
    assert "link" not in second.headers
    paths = [entry["path"] for page in (first, second) for entry in page.json()]
    assert paths == [f"many/{number:04}.txt" for number in range(1100)]


def test_expanded_pages_have_the_last_commit(world: World) -> None:
    repo = world.repo({f"many/{number:03}.txt": "x" for number in range(120)})
    changed = world.commit(repo, {"many/070.txt": "y"}, "Change one\n\nmore")
    world.commit(repo, {}, "Away", None, DeletePath("many/119.txt"))
    rita, found = world.as_("rita"), []
    url: str | None = f"/api/models/{repo.address}/tree/main/many?expand=true"
    while url is not None:
        answer = rita.get(url)
        found.append(ok(answer))
        url = _next(answer) if "link" in answer.headers else None
    assert [len(page) for page in found] == [50, 50, 19]
    entries = {entry["path"]: entry for page in found for entry in page}
    last = entries["many/070.txt"]["lastCommit"]
    assert (last["id"], last["title"]) == (changed, "Change one")
    assert last["date"].endswith(".000Z")
    assert entries["many/071.txt"]["lastCommit"]["title"] == "Change"
    assert entries["many/071.txt"]["securityFileStatus"]["status"] == "unscanned"


def test_what_is_not_there(world: World) -> None:
    repo, rita = world.repo({"a": "x"}), world.as_("rita")
    url = f"/api/models/{repo.address}/tree"
    refused(rita.get(f"{url}/main/nope"), 404, "EntryNotFound")
    refused(rita.get(f"{url}/main/a"), 404, "EntryNotFound")
    refused(rita.get(f"{url}/nope"), 404, "RevisionNotFound")
    refused(world.as_("sven").get(f"{url}/main"), 404, "RepoNotFound")
    refused(world.as_(None).get(f"{url}/main"), 401, "RepoNotFound")


@pytest.mark.parametrize("query", ["cursor=abc", "cursor=WyJhIl0", "limit=0", "limit=x", "cursor=WyIiLC01XQ"])
def test_queries_that_cannot_be(world: World, query: str) -> None:
    repo = world.repo({"a": "x"})
    refused(world.as_("rita").get(f"/api/models/{repo.address}/tree/main?{query}"), 400)


def test_a_cursor_of_another_repos_commit_opens_nothing(world: World) -> None:
    secret, repo = world.repo({f"s{n}": "x" for n in range(3)}), world.repo({"a": "x"})
    page = world.as_("rita").get(f"/api/models/{secret.address}/tree/main?limit=1")
    cursor = _next(page).rpartition("=")[2]
    refused(world.as_("rita").get(f"/api/models/{repo.address}/tree/main?cursor={cursor}"), 400)


@pytest.mark.parametrize("is_form", [True, False])
def test_paths_info_leaves_out_what_is_not_there(world: World, is_form: bool) -> None:
    repo = world.repo({"a b/é.txt": "x", "c.txt": "y"})
    paths = ["a b/é.txt", "nope", "a b", "../c.txt", "c.txt", "c.txt/d", ""]
    found = ok(paths_info(world, repo, paths, is_form=is_form))
    assert [(entry["path"], entry["type"]) for entry in found] == [
        ("a b/é.txt", "file"),
        ("a b", "directory"),
        ("c.txt", "file"),
    ]
    assert "lastCommit" not in found[0]
    expanded = ok(paths_info(world, repo, ["c.txt", "a b"], is_form=is_form, expand=True))
    assert [entry["lastCommit"]["title"] for entry in expanded] == ["Change", "Change"]


def test_paths_info_takes_a_thousand_paths(world: World) -> None:
    repo = world.repo({f"f{number}": "x" for number in range(1000)})
    names = [f"f{number}" for number in range(1001)]
    assert len(ok(paths_info(world, repo, names[:1000]))) == 1000
    refused(paths_info(world, repo, names), 413)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"[]", "application/json"),
        (b'{"paths": [1]}', "application/json"),
        (b"{", "application/json"),
        (b"paths=\xff", "application/x-www-form-urlencoded"),
        (b"paths=%ff", "application/x-www-form-urlencoded"),
    ],
)
def test_paths_info_refuses_what_is_neither(world: World, body: bytes, content_type: str) -> None:
    repo = world.repo()
    answer = world.as_("rita").post(
        f"/api/models/{repo.address}/paths-info/main", content=body, headers={"Content-Type": content_type}
    )
    refused(answer, 400)


def paths_info(
    world: World, repo: Repo, paths: list[str], *, is_form: bool = True, expand: bool = False
) -> httpx.Response:
    url, rita = f"/api/models/{repo.address}/paths-info/main", world.as_("rita")
    if is_form:
        return rita.post(url, data={"paths": paths, "expand": str(expand)})
    return rita.post(url, json={"paths": paths, "expand": expand})


def _next(answer: httpx.Response) -> str:
    """The next page's path and query."""
    url = answer.links["next"]["url"]
    assert url.startswith("http://hub.test/api/")
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
