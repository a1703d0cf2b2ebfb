"""What ``gto`` would answer, and doctor: who may ask, and what cannot be asked. What is answered: tests/compat/gto."""

from __future__ import annotations

import json

import pytest

from tests.api.rest.world import World, ok, refused

PATHS = (
    "gto/show",
    "gto/history",
    "gto/check-ref?ref=m%40v1.0.0",
    "gto/stages",
    "gto/parse-tag?name=m%40v1",
    "doctor",
)


@pytest.fixture
def repo(world: World) -> str:
    """One version in prod."""
    made = world.repo()
    world.commit(made, {"artifacts.yaml": "m: {}\n"})
    ok(world.as_("olga").post(f"{made}/artifacts/m/versions", {"version": "v1.0.0"}), 201)
    ok(world.as_("olga").put(f"{made}/artifacts/m/stages/prod", {"version": "v1.0.0"}), 201)
    return made


def test_readers_may_ask_and_nobody_else(world: World, repo: str) -> None:
    for path in PATHS:
        refused(world.as_("sven").get(f"{repo}/{path}"), 404, "repo_not_found")
        refused(world.as_(None).get(f"{repo}/{path}"), 401)
    answer = world.as_("rita").get(f"{repo}/gto/show")
    shown = {"version": "v1.0.0", "stage": {"prod": "v1.0.0"}, "registered": True, "active": True}
    assert answer.text == json.dumps({"m": shown}, indent=4) + "\n"
    assert answer.headers["content-type"] == "application/json"
    said = ok(world.as_("rita").get(f"{repo}/gto/check-ref?ref=refs%2Ftags%2Fm%23prod%231"))
    assert (said["event"], said["stage"], said["version"]) == ("assignment", "prod", "v1.0.0")
    assert world.as_("rita").get(f"{repo}/gto/check-ref?ref=main").text == ""
    parsed = ok(world.as_("rita").get(f"{repo}/gto/parse-tag?name=dir%3Dm%23prod%21%237"))
    assert parsed == {"name": "dir:m", "stage": "prod", "action": "unassign", "counter": 7}
    assert ok(world.as_("rita").get(f"{repo}/doctor")) == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("gto/show?name=other", 404, "no_artifact"),
        ("gto/show?name=other%40latest", 404, "no_artifact"),
        ("gto/show?name=m%40newest", 404, "no_artifact"),
        ("gto/show?versions_per_stage=-2", 422, "invalid_gto_option"),
        ("gto/show?name=m&assignments_per_version=-2", 422, "invalid_gto_option"),
        ("gto/show?assignments_per_version=99999999999", 400, "invalid_parameter"),
        ("gto/show?sort=age", 400, "invalid_parameter"),
        (f"gto/show?name={'x' * 501}", 400, "invalid_parameter"),
        ("gto/stages?allowed=true&used=true", 422, "invalid_gto_option"),
        ("gto/check-ref", 400, "invalid_parameter"),
        ("gto/parse-tag?name=main", 422, "invalid_tag_name"),
    ],
)
def test_what_cannot_be_asked(world: World, repo: str, path: str, status: int, code: str) -> None:
    refused(world.as_("rita").get(f"{repo}/{path}"), status, code)


def test_doctor_comes_in_pages(world: World) -> None:
    repo = world.repo()
    world.commit(repo, {"artifacts.yaml": "-m: {}\n-n: {}\n-o: {}\n"})
    pages = world.as_("rita").pages(f"{repo}/doctor", 2)
    found = [finding for page in pages for finding in page]
    assert [(f["file"], f["line"], f["tag"], f["breaks_gto"]) for f in found] == [
        ("artifacts.yaml", 1, None, True),
        ("artifacts.yaml", 2, None, False),
        ("artifacts.yaml", 3, None, False),
    ]


def test_a_faulty_policy_is_found(world: World) -> None:
    repo = world.repo()
    world.commit(repo, {".modelkeep/policy.yaml": "stages: []\n"}, branch="other", create_branch_from="main")
    ok(world.as_("olga").patch(repo, {"default_branch": "other"}))
    found = ok(world.as_("rita").get(f"{repo}/doctor"))["items"]
    assert {(f["file"], f["code"], f["breaks_gto"]) for f in found} == {
        (".modelkeep/policy.yaml", "policy_invalid", False)
    }


def test_strict_tags_are_a_setting(world: World, repo: str) -> None:
    assert ok(world.as_("rita").get(repo))["strict_tags"] is True
    refused(world.as_("cato").patch(repo, {"strict_tags": False}), 403, "role_missing")
    refused(world.as_("mara").patch(repo, {"strict_tags": "no"}), 422, "invalid_input")
    assert ok(world.as_("mara").patch(repo, {"strict_tags": False}))["strict_tags"] is False
    assert ok(world.as_("rita").get(repo))["strict_tags"] is False
    assert ok(world.as_("mara").patch(repo, {"description": "x"}))["strict_tags"] is False
    world.commit(repo, {".gto": "owner: me\n"})  # also what the API commits is judged, or not
    ok(world.as_("mara").patch(repo, {"strict_tags": True}))
    body = {"message": "x", "operations": [{"op": "add", "path": ".gto", "content": "nobody: me\n"}]}
    refused(world.as_("olga").post(f"{repo}/commits", body), 422, "gto_config")
