"""The events of a repo as a list, and what they say."""

from __future__ import annotations

from typing import Any

from tests.api.rest.world import World, ok, refused

ARTIFACTS = """\
churn:
  type: model
  path: models/churn.onnx
  description: Who leaves
"""


def events(world: World, repo: str, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ok(world.as_("rita").get(f"{repo}/events{query}"))["items"]
    return found


def test_a_new_repo_tells_of_itself_and_not_of_the_hubs_commit(world: World) -> None:
    (event,) = events(world, world.repo())
    assert (event["type"], event["actor"]) == ("repo.created", "olga")
    assert event["data"] == {"visibility": "private", "default_branch": "main"}
    assert set(event) == {"id", "type", "at", "repo", "actor", "data", "sequence"}


def test_a_promotion_has_what_ci_needs(world: World) -> None:
    repo = world.repo()
    olga = world.as_("olga")
    commit = world.commit(repo, {"artifacts.yaml": ARTIFACTS})
    for version in ("v1.0.0", "v1.1.0"):
        tip = world.commit(repo, {"note.txt": version})
        body = {"version": version, "revision": tip, "message": "Because"}
        ok(olga.post(f"{repo}/artifacts/churn/versions", body), 201)
        ok(olga.put(f"{repo}/artifacts/churn/stages/prod", {"version": version}), 201)
    assert commit != tip
    told = events(world, repo, "?type=version.*&type=stage.*")
    assert [one["type"] for one in told] == ["version.registered", "stage.assigned"] * 2
    registered, assigned = told[2]["data"], told[3]["data"]
    described = {"name": "churn", "type": "model", "path": "models/churn.onnx", "description": "Who leaves"}
    for data in (registered, assigned):
        assert described.items() <= data.items()
        assert data["version"] == "v1.1.0"
        assert data["commit"] == tip
        assert data["author"] == "olga"
    assert (registered["event"], registered["ref"], registered["stage"]) == (
        "registration",
        "refs/tags/churn@v1.1.0",
        None,
    )
    assert registered["message"].startswith("Because")
    assert (assigned["event"], assigned["stage"], assigned["previous"]) == ("assignment", "prod", "v1.0.0")
    assert assigned["ref"] == f"refs/tags/{assigned['tag']}" == f"refs/tags/churn#prod#{assigned['counter']}"


def test_every_ref_that_moves_is_told(world: World) -> None:
    repo = world.repo()
    first = world.commit(repo, {"a.txt": "1"})
    ok(world.as_("olga").post(f"{repo}/branches", {"name": "work", "from": first}), 201)
    ok(world.as_("olga").delete(f"{repo}/branches/work"), 204)
    refs = [one["data"] for one in events(world, repo, "?type=ref.updated")]
    assert refs[0]["ref"] == "refs/heads/main"
    assert refs[0]["new"] == first
    assert refs[1:] == [
        {"ref": "refs/heads/work", "old": None, "new": first},
        {"ref": "refs/heads/work", "old": first, "new": None},
    ]


def test_changes_of_a_repo_say_what_changed(world: World) -> None:
    repo = world.repo()
    olga = world.as_("olga")
    ok(olga.patch(repo, {"description": "New", "labels": ["b", "a"]}))
    ok(olga.delete(repo))
    ok(olga.post(f"{repo}/restore"))
    told = [(one["type"], one["data"]) for one in events(world, repo)][1:]
    assert told[0][0] == "repo.updated"
    assert told[0][1]["description"] == "New"
    assert [kind for kind, _ in told[1:]] == ["repo.deleted", "repo.restored"]


def test_pages_and_places_in_the_stream(world: World) -> None:
    repo = world.repo()
    for number in range(4):
        world.commit(repo, {"a.txt": str(number)})
    everything = events(world, repo)
    pages = world.as_("rita").pages(f"{repo}/events", 2)
    assert [one for page in pages for one in page] == everything
    assert events(world, repo, f"?after={everything[1]['sequence']}") == everything[2:]
    sequences = [one["sequence"] for one in everything]
    assert sequences == sorted(set(sequences))


def test_events_are_for_those_who_may_read_the_repo(world: World) -> None:
    repo = world.repo()
    refused(world.as_("sven").get(f"{repo}/events"), 404, "repo_not_found")
    refused(world.as_(None).get(f"{repo}/events"), 401)
    refused(
        world.as_("sven").get(f"{repo}/events", headers={"Accept": "text/event-stream"}),
        404,
        "repo_not_found",
    )
    refused(world.as_("rita").get(f"{repo}/events?type=foo"), 422, "invalid_events")
    refused(world.as_("rita").get(f"{repo}/events?after=-1"), 400, "invalid_parameter")
    for last in ("x", "-1", "1.5", "9" * 20, "0" * 5000):
        headers = {"Accept": "text/event-stream", "Last-Event-ID": last}
        refused(world.as_("rita").get(f"{repo}/events", headers=headers), 400, "invalid_cursor")


def test_what_the_default_branch_says_about_artifacts_is_told_whoever_wrote_it(world: World) -> None:
    repo = world.repo()
    first = world.commit(repo, {"artifacts.yaml": ARTIFACTS})
    world.commit(repo, {"note.txt": "nothing about artifacts"})
    second = world.commit(repo, {"artifacts.yaml": ARTIFACTS.replace("Who leaves", "Who stays")})
    third = world.commit(repo, {"artifacts.yaml": "{}\n"})
    told = [one["data"] for one in events(world, repo, "?type=artifact.annotated")]
    assert [(one["commit"], one["description"], one["removed"]) for one in told] == [
        (first, "Who leaves", False),
        (second, "Who stays", False),
        (third, None, True),
    ]
    assert {one["name"] for one in told} == {"churn"}
