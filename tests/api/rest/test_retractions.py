"""Taking back: deregister, deprecate, unassign; and registering what was taken back, or is not final yet."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.api.rest.world import Client, World, ok, refused


@pytest.fixture
def repo(world: World) -> str:
    """Two commits; the first is v1.0.0, the second v1.1.0, in prod after it."""
    made = world.repo()
    olga = world.as_("olga")
    artifact = f"{made}/artifacts/churn"
    for number, version in enumerate(("v1.0.0", "v1.1.0")):
        world.commit(made, {"x": str(number)})
        ok(olga.post(f"{artifact}/versions", {"version": version}), 201)
        ok(olga.put(f"{artifact}/stages/prod", {"version": version}), 201)
    return made


def tags(world: World, repo: str) -> list[str]:
    return [tag["name"] for tag in ok(world.as_("rita").get(f"{repo}/tags?limit=1000"))["items"]]


def message_of(world: World, repo: str, tag: str) -> str:
    """What plain git shows, before the hub's signature."""
    _, _, namespace, name = repo.split("/")
    found = world.hub.repos.get(world.actor("rita"), namespace, name)
    git_dir: Path = world.hub.repos._stores.repositories.path(found.repo.id)
    command = ["git", "-C", str(git_dir), "for-each-ref", "--format=%(contents)", f"refs/tags/{tag}"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return shown.partition("-----BEGIN")[0].rstrip("\n")


def test_deregistering(world: World, repo: str) -> None:
    artifact = f"{repo}/artifacts/churn"
    event = ok(world.as_("mara").delete(f"{artifact}/versions/1.1.0"), 201)
    commit = ok(world.as_("rita").get(f"{artifact}/versions/v1.1.0"))["commit"]
    assert event.pop("at").endswith("Z")
    assert event == {
        "tag": "churn@v1.1.0!",
        "artifact": "churn",
        "event": "deregistration",
        "version": "v1.1.0",
        "stage": None,
        "commit": commit,
        "author": "mara",
        "author_email": "mara@users.modelkeep.invalid",
        "message": "Deregistering artifact churn version v1.1.0\n",
    }
    assert ok(world.as_("rita").get(f"{artifact}/stages"))["items"][0]["version"] == "v1.0.0"
    assert ok(world.as_("rita").get(f"{artifact}/versions/latest"))["version"] == "v1.0.0"
    refused(world.as_("mara").delete(f"{artifact}/versions/v1.1.0"), 409, "already_deregistered")
    refused(world.as_("mara").delete(f"{artifact}/versions/v9.0.0"), 404, "no_version")
    refused(world.as_("mara").delete(f"{artifact}/versions/nine"), 422, "invalid_version")
    refused(world.as_("cato").delete(f"{artifact}/versions/v1.0.0"), 403, "role_missing")
    refused(world.as_("sven").delete(f"{artifact}/versions/v1.0.0"), 404, "repo_not_found")
    refused(world.as_(None).delete(f"{artifact}/versions/v1.0.0"), 401)


def test_a_deregistered_version_comes_back_at_its_commit_only(world: World, repo: str) -> None:
    artifact, mara = f"{repo}/artifacts/churn", world.as_("mara")
    commit = ok(mara.get(f"{artifact}/versions/v1.1.0"))["commit"]
    ok(mara.delete(f"{artifact}/versions/v1.1.0"), 201)
    world.commit(repo, {"x": "3"})
    refused(mara.post(f"{artifact}/versions", {"version": "v1.1.0"}), 409, "version_deregistered")
    back = ok(mara.post(f"{artifact}/versions", {"version": "v1.1.0", "revision": commit}), 201)
    assert (back["tag"], back["is_active"], back["stages"]) == ("churn@v1.1.0#3", True, ["prod"])
    again = ok(mara.request("DELETE", f"{artifact}/versions/v1.1.0", json={"message": "no"}), 201)
    assert (again["tag"], again["message"]) == ("churn@v1.1.0!#4", "no\n")
    # its number is passed over
    assert ok(mara.post(f"{artifact}/versions", {"bump": "minor"}), 201)["version"] == "v1.1.1"


def test_deprecating(world: World, repo: str) -> None:
    artifact, mara = f"{repo}/artifacts/churn", world.as_("mara")
    event = ok(mara.post(f"{artifact}/deprecation"), 201)
    tip = ok(mara.get(f"{artifact}/versions/v1.1.0"))["commit"]
    found = {key: event[key] for key in ("tag", "event", "version", "stage", "commit", "message")}
    assert found == {
        "tag": "churn@deprecated",
        "event": "deprecation",
        "version": None,
        "stage": None,
        "commit": tip,
        "message": "Deprecating artifact 'churn'\n",
    }
    refused(mara.post(f"{artifact}/deprecation"), 409, "already_deprecated")
    refused(mara.post(f"{repo}/artifacts/other/deprecation"), 404, "no_artifact")
    refused(mara.post(f"{repo}/artifacts/-/deprecation"), 422, "invalid_artifact")
    refused(world.as_("cato").post(f"{artifact}/deprecation"), 403, "role_missing")
    world.commit(repo, {"x": "3"})
    ok(mara.post(f"{artifact}/versions"), 201)  # which revives it
    again = ok(mara.request("POST", f"{artifact}/deprecation"), 201)  # without a body
    assert again["tag"].startswith("churn@deprecated#")


def test_taking_a_stage_away_says_what_was_recorded(world: World, repo: str) -> None:
    stage = f"{repo}/artifacts/churn/stages/prod"
    left = ok(world.as_("mara").delete(stage), 201)
    assert (left["event"], left["stage"], left["version"], left["tag"]) == (
        "unassignment",
        "prod",
        "v1.1.0",
        "churn#prod!#3",
    )
    assert left["message"] == "Unassigning stage 'prod' to artifact 'churn' version 'v1.1.0'\n"
    assert left["holder"]["version"] == "v1.0.0"


def test_a_bare_commit_leaves_a_stage(world: World, repo: str) -> None:
    mara, stage = world.as_("mara"), f"{repo}/artifacts/churn/stages/canary"
    commit = world.commit(repo, {"x": "3"})
    body = {"name": "churn#canary#7", "from": commit, "message": "bare, as gto assign --sr"}
    ok(mara.post(f"{repo}/tags", body), 201)
    held = ok(mara.get(f"{repo}/artifacts/churn/stages"))["items"][0]
    assert (held["stage"], held["version"], held["commit"]) == ("canary", None, commit)
    refused(mara.request("DELETE", stage, json={"version": "0" * 40}), 404, "no_stage")
    left = ok(mara.request("DELETE", stage, json={"version": commit}), 201)
    assert (left["version"], left["commit"], left["tag"]) == (None, commit, "churn#canary!#8")
    assert left["holder"] is None


def test_a_series_of_prereleases(world: World, repo: str) -> None:
    mara, versions = world.as_("mara"), f"{repo}/artifacts/churn/versions"

    def register(**body: Any) -> str:
        world.commit(repo, {"x": world.new_name("content")})
        return str(ok(mara.post(versions, body), 201)["version"])

    assert register(bump="minor", prerelease="rc") == "v1.2.0-rc.1"
    assert register(bump="minor", prerelease="rc") == "v1.2.0-rc.2"
    assert register(prerelease="rc") == "v1.2.0-rc.3"
    ok(mara.delete(f"{versions}/v1.2.0-rc.3"), 201)
    assert register(prerelease="rc") == "v1.2.0-rc.4"
    refused(mara.post(versions, {"bump": "release"}), 409, "version_exists_for_commit")
    assert register(bump="release") == "v1.2.0"
    world.commit(repo, {"x": "last"})
    refused(mara.post(versions, {"bump": "release"}), 422, "nothing_to_release")
    refused(mara.post(versions, {"prerelease": "rc.1"}), 422, "invalid_prerelease")
    refused(mara.post(versions, {"prerelease": "rc", "version": "v9.0.0"}), 422, "version_and_bump")
    refused(mara.post(versions, {"prerelease": "rc", "bump": "release"}), 422, "release_and_prerelease")


def test_where_a_version_comes_from_is_in_its_tag(world: World, repo: str) -> None:
    mara, versions = world.as_("mara"), f"{repo}/artifacts/churn/versions"
    world.commit(repo, {"x": "3"})
    body = {
        "code_commit": "https://git.example.org/code/commit/abc",
        "run": " train/17 ",
        "message": "Better",
    }
    made = ok(mara.post(versions, body), 201)
    assert made["warnings"] == []
    assert message_of(world, repo, made["tag"]) == (
        "Better\n\nCode-Commit: https://git.example.org/code/commit/abc\nRun: train/17"
    )
    world.commit(repo, {"x": "4"})
    for field in ("code_commit", "run"):
        for value in ("", "a\nRolled-Back-From: v1.0.0", "x" * 1001):
            refused(mara.post(versions, {field: value}), 422, "invalid_trailer")
    made = ok(mara.post(versions, {"run": "18"}), 201)
    assert message_of(world, repo, made["tag"]) == "Registering artifact churn version v1.1.2\n\nRun: 18"


def at_once(client: Client, requests: list[tuple[str, str, Any]]) -> list[int]:
    """Sends requests at the same time; gives their statuses, sorted."""
    with ThreadPoolExecutor(len(requests)) as threads:
        answers = threads.map(lambda r: client.request(r[0], r[1], json=r[2]), requests)
        return sorted(answer.status_code for answer in answers)


def test_of_writers_at_once_one_wins(world: World, repo: str) -> None:
    mara, artifact = world.as_("mara"), f"{repo}/artifacts/churn"
    tip = world.commit(repo, {"x": "3"})
    versions = f"{artifact}/versions"
    assert at_once(mara, [("POST", versions, {})] * 4) == [201, 409, 409, 409]
    made = ok(mara.get(f"{versions}/latest"))
    assert (made["version"], made["commit"]) == ("v1.1.1", tip)
    stage = f"{artifact}/stages/prod"
    assert at_once(mara, [("PUT", stage, {"version": "v1.1.1"})] * 4) == [201, 409, 409, 409]
    both = [("PUT", stage, {"version": version}) for version in ("v1.0.0", "v1.1.0")]
    assert at_once(mara, both) == [201, 201], "each with a counter of its own"
    holder = ok(mara.get(f"{artifact}/stages"))["items"][0]["version"]
    assert at_once(mara, [("DELETE", stage, {"version": holder})] * 4) == [201, 404, 404, 404]
    assert at_once(mara, [("DELETE", f"{versions}/v1.1.1", {})] * 4) == [201, 409, 409, 409]
    assert at_once(mara, [("POST", f"{artifact}/deprecation", {})] * 4) == [201, 409, 409, 409]
    names = [name for name in tags(world, repo) if "#" in name]
    counters = [int(name.rsplit("#", 1)[1]) for name in names]
    assert sorted(counters) == list(range(1, len(counters) + 1)), names
