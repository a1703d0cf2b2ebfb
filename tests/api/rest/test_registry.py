"""Artifacts, versions and stages."""

from __future__ import annotations

import pytest

from modelkeep.domain.access import Scope
from tests.api.rest.world import World, ok, refused

GLANCE = {
    "artifact": "churn",
    "latest": "v1.1.0",
    "stages": {"prod": "v1.1.0"},
    "versions": 2,
    "type": None,
    "path": None,
    "description": "",
    "labels": [],
    "is_registered": True,
    "is_deprecated": False,
}


@pytest.fixture
def repo(world: World) -> str:
    """Two commits; the first is v1.0.0, the second v1.1.0, in prod."""
    made = world.repo()
    olga = world.as_("olga")
    artifact = f"{made}/artifacts/churn"
    world.commit(made, {"x": "1"})
    ok(olga.post(f"{artifact}/versions", {"version": "v1.0.0"}), 201)
    ok(olga.put(f"{artifact}/stages/prod", {"version": "1.0.0"}), 201)
    world.commit(made, {"x": "2"})
    ok(olga.post(f"{artifact}/versions", {"bump": "minor"}), 201)
    ok(olga.put(f"{artifact}/stages/prod", {"version": "latest", "message": "better"}), 201)
    return made


def test_registering(world: World) -> None:
    made = world.repo()
    tip = world.commit(made, {"x": "1"})
    answer = world.as_("cato").post(f"{made}/artifacts/models%3Achurn/versions", {"message": "first"})
    version = ok(answer, 201)
    path = f"{made}/artifacts/models%3Achurn/versions/v0.0.1"
    assert answer.headers["location"] == f"http://hub.test/api/v1{path}"
    assert version.pop("registered_at").endswith("Z")
    assert version == {
        "artifact": "models:churn",
        "version": "v0.0.1",
        "commit": tip,
        "tag": "models=churn@v0.0.1",
        "is_latest": True,
        "is_active": True,
        "stages": [],
        "author": "cato",
        "author_email": "cato@users.modelkeep.invalid",
        "message": "first\n",
        "warnings": [],
    }
    assert ok(world.as_("rita").get(path))["commit"] == tip


def test_reading(world: World, repo: str) -> None:
    rita = world.as_("rita")
    (shown,) = ok(rita.get(f"{repo}/artifacts"))["items"]
    assert shown.pop("updated_at") >= shown["latest_at"]
    assert shown.pop("latest_at").endswith("Z")
    assert shown == GLANCE
    versions = [v for page in rita.pages(f"{repo}/artifacts/churn/versions", 1) for v in page]
    assert [(v["version"], v["stages"], v["is_latest"]) for v in versions] == [
        ("v1.1.0", ["prod"], True),
        ("v1.0.0", [], False),
    ]
    for name in ("v1.1.0", "1.1.0", "latest"):
        detail = ok(rita.get(f"{repo}/artifacts/churn/versions/{name}"))
        assert {key: detail[key] for key in versions[0]} == versions[0]
    stages = ok(rita.get(f"{repo}/artifacts/churn/stages"))["items"]
    assert [(s["stage"], s["version"], s["tag"]) for s in stages] == [("prod", "v1.1.0", "churn#prod#2")]
    assert stages[0]["commit"] == versions[0]["commit"]
    assert ok(rita.get(f"{repo}/artifacts/other/stages"))["items"] == []
    assert ok(rita.get(f"{repo}/problems"))["items"] == []
    refused(rita.get(f"{repo}/artifacts/other/versions"), 404, "no_artifact")
    refused(rita.get(f"{repo}/artifacts/churn/versions/v9.9.9"), 404, "no_version")
    refused(rita.get(f"{repo}/artifacts/churn/versions/nine"), 422, "invalid_version")


def test_the_whole_registry(world: World, repo: str) -> None:
    name = repo.removeprefix("/repos/")
    (row,) = ok(world.as_("rita").get(f"/registry?repo={name}"))["items"]
    assert {key: row[key] for key in GLANCE} == GLANCE
    assert row in ok(world.as_("rita").get(f"/registry?query={name.upper()}"))["items"]
    assert row in ok(world.as_("rita").get("/registry?namespace=acme"))["items"]
    assert ok(world.as_("rita").get("/registry?namespace=rita"))["items"] == []
    for stranger in ("sven", None):
        assert row not in ok(world.as_(stranger).get("/registry"))["items"]
    ok(world.as_("olga").patch(repo, {"visibility": "public"}))
    assert row in ok(world.as_(None).get("/registry"))["items"]


def test_rolling_back(world: World, repo: str) -> None:
    mara = world.as_("mara")
    stage = f"{repo}/artifacts/churn/stages/prod"
    back = ok(mara.post(f"{stage}/rollback", {"message": "it drifts"}), 201)
    assert (back["version"], back["author"]) == ("v1.0.0", "mara")
    refused(mara.post(f"{stage}/rollback"), 409, "no_previous_holder")
    again = ok(mara.put(stage, {"version": "v1.1.0"}), 201)
    assert again["version"] == "v1.1.0"
    answer = mara.request("POST", f"{stage}/rollback")  # without a body
    assert ok(answer, 201)["version"] == "v1.0.0"


def test_unassigning(world: World, repo: str) -> None:
    mara = world.as_("mara")
    stage = f"{repo}/artifacts/churn/stages/prod"
    left = ok(mara.delete(stage), 201)
    assert (left["artifact"], left["stage"], left["event"]) == ("churn", "prod", "unassignment")
    assert left["holder"]["version"] == "v1.0.0"
    gone = ok(mara.request("DELETE", stage, json={"version": "v1.0.0"}), 201)
    assert gone["holder"] is None
    refused(mara.delete(stage), 404, "no_stage")
    refused(mara.post(f"{stage}/rollback"), 404, "no_stage")


def test_promoting_a_revision_registers_it(world: World, repo: str) -> None:
    world.commit(repo, {"x": "3"})
    stage = ok(world.as_("mara").put(f"{repo}/artifacts/churn/stages/staging", {"revision": "main"}), 201)
    assert stage["version"] == "v1.1.1"
    refused(
        world.as_("mara").put(f"{repo}/artifacts/churn/stages/staging", {"version": "v1.1.1"}),
        409,
        "already_in_stage",
    )


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"version": "1.0.0"}, 409, "version_exists_for_commit"),
        ({"version": "1.0.0", "revision": "main~1"}, 404, "revision_not_found"),
        ({"version": "one"}, 422, "invalid_version"),
        ({"version": "v1.0.0.0"}, 422, "invalid_version"),
        ({"version": "v01.0.0"}, 422, "invalid_version"),
        ({"version": "v1." + "9" * 200 + ".0"}, 422, "invalid_version"),
        ({"version": "v2.0.0", "bump": "major"}, 422, "version_and_bump"),
        ({"bump": "huge"}, 422, "invalid_input"),
        ({"message": ""}, 422, "invalid_message"),
        ({"message": "a\u0000"}, 422, "invalid_message"),
        ({"ref": "main"}, 422, "invalid_input"),
    ],
)
def test_versions_that_cannot_be(world: World, repo: str, body: object, status: int, code: str) -> None:
    refused(world.as_("olga").post(f"{repo}/artifacts/churn/versions", body), status, code)


@pytest.mark.parametrize(
    ("stage", "body", "status", "code"),
    [
        ("prod", {}, 422, "version_missing"),
        ("prod", {"version": "v9.0.0"}, 404, "no_version"),
        ("prod", {"version": "x"}, 422, "invalid_version"),
        ("prod", {"revision": "nothing"}, 404, "revision_not_found"),
        ("-x", {"version": "v1.0.0"}, 422, "invalid_stage"),
        ("a%20b", {"version": "v1.0.0"}, 422, "invalid_stage"),
        ("a%23b", {"version": "v1.0.0"}, 422, "invalid_stage"),
        ("x" * 201, {"version": "v1.0.0"}, 422, "invalid_stage"),
        ("x" * 501, {"version": "v1.0.0"}, 422, "invalid_name"),
    ],
)
def test_promotions_that_cannot_be(
    world: World, repo: str, stage: str, body: object, status: int, code: str
) -> None:
    refused(world.as_("olga").put(f"{repo}/artifacts/churn/stages/{stage}", body), status, code)


@pytest.mark.parametrize("artifact", ["-x", "a%20b", "..%2Fx", "a%23b", "a@v1.0.0", "%C3%BC", "x" * 201])
def test_artifacts_that_cannot_be(world: World, repo: str, artifact: str) -> None:
    answer = world.as_("olga").raw("GET", f"{repo}/artifacts/{artifact}/versions")
    assert answer.status_code in (400, 404)
    answer = world.as_("olga").post(f"{repo}/artifacts/{artifact}/versions")
    assert answer.status_code in (400, 422)
    assert refused(answer, answer.status_code)["code"] in ("invalid_artifact", "invalid_path")


def test_who_may(world: World, repo: str) -> None:
    artifact = f"{repo}/artifacts/churn"
    world.commit(repo, {"x": "new"})
    for method, path, body in (
        ("POST", f"{artifact}/versions", {}),
        ("PUT", f"{artifact}/stages/prod", {"version": "v1.0.0"}),
        ("POST", f"{artifact}/stages/prod/rollback", {}),
        ("DELETE", f"{artifact}/stages/prod", {}),
    ):
        refused(world.as_("rita").request(method, path, json=body), 403, "role_missing")
        refused(world.as_("sven").request(method, path, json=body), 404, "repo_not_found")
        refused(world.as_(None).request(method, path, json=body), 401)
        refused(world.token("olga", Scope.READ).request(method, path, json=body), 403, "scope_missing")
        if "stages" in path:
            refused(world.as_("cato").request(method, path, json=body), 403, "role_missing")
            refused(world.token("olga", Scope.WRITE).request(method, path, json=body), 403, "scope_missing")
    for path in (
        "artifacts",
        "artifacts/churn/versions",
        "artifacts/churn/versions/latest",
        "artifacts/churn/stages",
    ):
        refused(world.as_("sven").get(f"{repo}/{path}"), 404, "repo_not_found")
        refused(world.as_(None).get(f"{repo}/{path}"), 401)
    refused(world.as_("sven").get(f"{repo}/problems"), 404)
    refused(world.as_(None).get(f"{repo}/problems"), 401)
    ok(world.as_("cato").post(f"{artifact}/versions"), 201)
    ok(world.token("mara", Scope.PROMOTE).put(f"{artifact}/stages/prod", {"version": "latest"}), 201)
