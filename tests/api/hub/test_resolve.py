"""``resolve`` and ``raw``: headers, ranges, revisions, and what is not there."""

from __future__ import annotations

import hashlib

import pytest

from modelkeep.domain.access import Visibility
from tests.api.hub.world import World, ok, refused

WEIGHTS = bytes(range(256)) * 5000
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


def test_a_small_file_has_gits_id_as_etag(world: World) -> None:
    repo = world.repo({"config.json": "{}"})
    commit = world.commit(repo, {"other.txt": "x"})
    for method in ("HEAD", "GET"):
        answer = world.as_("rita").request(method, f"/{repo.address}/resolve/main/config.json")
        assert answer.status_code == 200
        assert answer.headers["x-repo-commit"] == commit
        assert answer.headers["etag"] == '"9e26dfeeb6e641a33dae4961196235bdb965b21b"'
        assert "x-linked-etag" not in answer.headers
        assert "content-encoding" not in answer.headers
        assert "location" not in answer.headers
        assert answer.headers["accept-ranges"] == "bytes"
        assert answer.headers["x-request-id"]
        assert answer.content == (b"" if method == "HEAD" else b"{}")
    assert answer.headers["content-length"] == "2"


def test_an_lfs_file_has_its_sha256_as_etag(world: World) -> None:
    repo = world.repo()
    world.commit(repo, {"model.safetensors": world.upload(repo, WEIGHTS)})
    head = world.as_("rita").head(f"/{repo.address}/resolve/main/model.safetensors")
    assert head.headers["x-linked-etag"] == f'"{SHA256}"'
    assert head.headers["x-linked-size"] == head.headers["content-length"] == str(len(WEIGHTS))
    assert head.headers["etag"] == f'"{SHA256}"'
    got = world.as_("rita").get(f"/{repo.address}/resolve/main/model.safetensors")
    assert got.content == WEIGHTS


@pytest.mark.parametrize("path", ["model.safetensors", "config.json"])
def test_ranges(world: World, path: str) -> None:
    repo = world.repo()
    world.commit(repo, {"model.safetensors": world.upload(repo, WEIGHTS), "config.json": WEIGHTS[:9000]})
    whole = WEIGHTS if path == "model.safetensors" else WEIGHTS[:9000]
    url, rita = f"/{repo.address}/resolve/main/{path}", world.as_("rita")
    for asked, start, stop in [("0-0", 0, 1), ("100-299", 100, 300), ("8000-", 8000, len(whole))]:
        answer = rita.get(url, headers={"Range": f"bytes={asked}"})
        assert answer.status_code == 206
        assert answer.content == whole[start:stop]
        assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(whole)}"
    behind = rita.get(url, headers={"Range": f"bytes={len(whole)}-"})
    assert behind.status_code == 416
    assert behind.headers["content-range"] == f"bytes */{len(whole)}"


def test_the_etag_stays_while_the_content_does(world: World) -> None:
    repo = world.repo({"a.txt": "same"})
    before = world.as_("rita").head(f"/{repo.address}/resolve/main/a.txt").headers
    world.commit(repo, {"moved/a.txt": "same", "b.txt": "other"})
    world.hub.repos.update(world.actor("olga"), repo.place, repo.name, description="new")
    for path in ("a.txt", "moved/a.txt"):
        after = world.as_("rita").head(f"/{repo.address}/resolve/main/{path}").headers
        assert after["etag"] == before["etag"]
        assert after["x-repo-commit"] != before["x-repo-commit"]


@pytest.mark.parametrize(
    "revision",
    ["churn@v1.0.0", "v1.0.0", "churn#prod", "prod", "latest", "feature/x", "refs/heads/feature/x"],
)
def test_any_revision_names_a_commit(world: World, revision: str) -> None:
    repo, olga = world.repo({"a.txt": "1"}), world.actor("olga")
    commit = world.commit(repo, {"a.txt": "2"}, branch="feature/x")
    world.hub.versions.register(olga, repo.place, repo.name, "churn", version="v1.0.0", revision="feature/x")
    world.hub.stages.promote(olga, repo.place, repo.name, "churn", "prod", version="v1.0.0")
    quoted = revision.replace("@", "%40").replace("#", "%23").replace("/", "%2F")
    answer = world.raw("rita", "GET", f"/{repo.address}/resolve/{quoted}/a.txt")
    assert answer.text == "2"
    assert answer.headers["x-repo-commit"] == commit
    info = world.raw("rita", "GET", f"/api/models/{repo.address}/revision/{quoted}")
    assert ok(info)["sha"] == commit


def test_paths_are_percent_encoded_once(world: World) -> None:
    repo = world.repo({"sub dir/é #1 100%.txt": "x"})
    whole = "sub%20dir%2F%C3%A9%20%231%20100%25.txt"
    for path in (whole, whole.replace("%2F", "/")):
        assert world.raw("rita", "GET", f"/{repo.address}/resolve/main/{path}").text == "x"


def test_a_file_that_is_not_there_has_the_commit_to_remember_it_by(world: World) -> None:
    repo = world.repo()
    commit = world.commit(repo, {"dir/a": "x"})
    for path in ("missing.json", "dir", "dir/a/b"):
        answer = world.as_("rita").get(f"/{repo.address}/resolve/main/{path}")
        refused(answer, 404, "EntryNotFound")
        assert answer.headers["x-repo-commit"] == commit
    refused(world.as_("rita").get(f"/{repo.address}/resolve/nope/dir/a"), 404, "RevisionNotFound")


def test_raw_is_what_git_has(world: World) -> None:
    repo = world.repo({"a.txt": "plain"})
    world.commit(repo, {"model.safetensors": world.upload(repo, WEIGHTS)})
    text = world.as_("rita").get(f"/{repo.address}/raw/main/model.safetensors").text
    assert text.startswith("version https://git-lfs.github.com/spec/v1\n")
    assert SHA256 in text
    assert world.as_("rita").get(f"/{repo.address}/raw/main/a.txt").text == "plain"


@pytest.mark.parametrize("who", [None, "sven"])
def test_a_hidden_repo_looks_like_none(world: World, who: str | None) -> None:
    repo, client = world.repo({"a.txt": "x"}), world.as_(who)
    status = 404 if who else 401
    hidden = refused(client.get(f"/{repo.address}/resolve/main/a.txt"), status, "RepoNotFound")
    absent = refused(client.get("/acme/absent/resolve/main/a.txt"), status, "RepoNotFound")
    assert hidden.replace(repo.name, "absent") == absent


def test_a_public_repo_needs_nobody(world: World) -> None:
    repo = world.repo({"a.txt": "x"}, visibility=Visibility.PUBLIC)
    assert world.as_(None).get(f"/{repo.address}/resolve/main/a.txt").text == "x"
    bad = world.as_(None).get(
        f"/{repo.address}/resolve/main/a.txt", headers={"Authorization": "Bearer hf_wrong"}
    )
    assert refused(bad, 401) == "Invalid credentials in Authorization header"


def test_datasets_have_files_of_their_own(world: World) -> None:
    repo = world.repo({"data.csv": "a,b"}, place="datasets/acme")
    assert repo.address.startswith("datasets/acme/")
    assert world.as_("rita").get(f"/{repo.address}/resolve/main/data.csv").text == "a,b"
    assert world.as_("rita").get(f"/api/{repo.address}/resolve/main/data.csv").text == "a,b"
    refused(world.as_("rita").get(f"/acme/{repo.name}/resolve/main/data.csv"), 404, "RepoNotFound")


def test_a_moved_repo_is_found_by_its_old_name(world: World) -> None:
    for place in ("acme", "datasets/acme"):
        repo = world.repo({"a b.txt": "x"}, place=place)
        world.hub.repos.move(world.actor("olga"), repo.place, repo.name, new_name=f"new-{repo.name}")
        for path, new in [
            (f"/{repo.address}/resolve/main/a%20b.txt?download=true", f"/{place}/new-{repo.name}/resolve"),
            (f"/api/{_plural(place)}/acme/{repo.name}/revision/refs%2Fheads%2Fmain", "/api/"),
        ]:
            answer = world.raw("rita", "GET", path)
            assert answer.status_code == 307
            location = answer.headers["location"]
            assert location == path.replace(repo.name, f"new-{repo.name}")
            assert location.startswith(new)
            assert world.raw("rita", "GET", location).status_code == 200


def test_ids_compare_without_case(world: World) -> None:
    repo = world.repo({"a.txt": "x"})
    answer = world.as_("rita").get(f"/ACME/{repo.name.upper()}/resolve/main/a.txt")
    assert answer.text == "x"
    assert ok(world.as_("rita").get(f"/api/models/Acme/{repo.name.upper()}"))["id"] == f"acme/{repo.name}"


def _plural(place: str) -> str:
    return "datasets" if place.startswith("datasets/") else "models"
