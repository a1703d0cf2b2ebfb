"""The one registry over HTTP: what may be asked of it, and what may not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.rest.world import Client, World, ok

ANNOTATIONS = """\
churn:
  type: model
  path: models/churn.pkl
  labels: [tabular, eu]
  description: Who is about to leave
scores:
  type: dataset
  path: s3://bucket/scores.csv
  labels: [tabular]
"""


@pytest.fixture
def repo(world: World) -> str:
    """``churn`` is in prod and annotated, ``old`` deprecated, ``scores`` only annotated."""
    made = world.repo()
    olga = world.as_("olga")
    world.commit(made, {"artifacts.yaml": ANNOTATIONS})
    for artifact in ("churn", "old"):
        ok(olga.post(f"{made}/artifacts/{artifact}/versions", {"version": "v1.0.0"}), 201)
    ok(olga.put(f"{made}/artifacts/churn/stages/prod", {"version": "v1.0.0"}), 201)
    ok(olga.post(f"{made}/artifacts/old/deprecation", {}), 201)
    return made


def _named(client: Client, path: str) -> list[str]:
    return [row["artifact"] for row in ok(client.get(path))["items"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["churn", "old", "scores"]),
        ("label=tabular", ["churn", "scores"]),
        ("label=tabular&label=eu", ["churn"]),
        ("stage=prod", ["churn"]),
        ("type=dataset", ["scores"]),
        ("registered=true", ["churn", "old"]),
        ("registered=false", ["scores"]),
        ("deprecated=true", ["old"]),
        ("deprecated=false", ["churn", "scores"]),
        ("deprecated=include", ["churn", "old", "scores"]),
        ("query=LEAVE", ["churn"]),
        ("query=eu", ["churn"]),
        ("sort=-name", ["scores", "old", "churn"]),
        ("sort=-versions&registered=true", ["old", "churn"]),
        ("sort=-updated&registered=false", ["scores"]),
    ],
)
def test_filters_and_orders(world: World, repo: str, query: str, expected: list[str]) -> None:
    rita = world.as_("rita")
    assert _named(rita, f"{repo}/artifacts?{query}") == expected
    name = repo.removeprefix("/repos/")
    assert _named(rita, f"/registry?repo={name}&{query}") == expected
    one_by_one = rita.pages(f"/registry?repo={name}&{query}", 1)
    assert [row["artifact"] for page in one_by_one for row in page] == expected


def test_an_artifact_that_only_a_file_speaks_of(world: World, repo: str) -> None:
    (row,) = ok(world.as_("rita").get(f"{repo}/artifacts?registered=false"))["items"]
    assert row == {
        "artifact": "scores",
        "latest": None,
        "stages": {},
        "versions": 0,
        "type": "dataset",
        "path": "s3://bucket/scores.csv",
        "description": "",
        "labels": ["tabular"],
        "is_registered": False,
        "is_deprecated": False,
        "updated_at": None,
        "latest_at": None,
    }
    assert ok(world.as_("rita").get(f"{repo}/artifacts/scores/versions"))["items"] == []


@pytest.mark.parametrize(
    "query", ["sort=size", "deprecated=perhaps", "registered=perhaps", "&".join(["label=x"] * 21), "limit=0"]
)
def test_what_cannot_be_asked(world: World, query: str) -> None:
    assert world.as_("rita").get(f"/registry?{query}").status_code in (400, 422)


def test_who_is_in_which_stage_anywhere(world: World, repo: str) -> None:
    name = repo.removeprefix("/repos/")

    def held(client: Client, query: str = "") -> list[Any]:
        found: list[Any] = ok(client.get(f"/registry/stages?repo={name}&{query}"))["items"]
        return found

    (row,) = held(world.as_("rita"))
    assert (row["repo"], row["artifact"], row["stage"], row["version"]) == (name, "churn", "prod", "v1.0.0")
    assert held(world.as_("rita"), "stage=prod") == [row]
    assert held(world.as_("rita"), "query=CHU") == [row]
    assert held(world.as_("rita"), "stage=staging") == []
    assert held(world.as_("rita"), "namespace=sven") == []
    for stranger in ("sven", None):
        assert held(world.as_(stranger)) == []
