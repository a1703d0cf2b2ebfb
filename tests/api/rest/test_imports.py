"""Imports over REST: what is refused, and to whom. That they do their work is shown between two hubs elsewhere."""

from __future__ import annotations

import pytest

from modelkeep.domain.access import Scope
from tests.api.rest.world import World, ok, refused

SOURCE = {"source": "hf:acme/bert", "endpoint": "http://10.1.2.3", "repo": "acme/copy"}


def test_nobody_reads_from_the_hubs_own_network(world: World) -> None:
    for endpoint in ("http://10.1.2.3", "http://127.0.0.1:1", "http://[::1]", "http://169.254.169.254"):
        problem = refused(
            world.as_("olga").post("/imports", {**SOURCE, "endpoint": endpoint}), 422, "source_forbidden"
        )
        assert "MODELKEEP_IMPORT_ALLOWED_NETWORKS" in problem["detail"]
    refused(world.as_("olga").get("/repos/acme/copy"), 404)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"source": "not a repo"}, "invalid_source"),
        ({"every": 1}, "invalid_schedule"),
        ({"every": "1d"}, "invalid_input"),
        ({"repo": "acme"}, "invalid_name"),
        ({"token": "a b", "endpoint": "https://hub.example.org"}, "invalid_source_token"),
        ({"endpoint": "https://me:secret@hub.example.org"}, "invalid_url"),
        ({"colour": "red"}, "invalid_input"),
    ],
)
def test_what_cannot_be_is_refused_before_anybody_is_asked(
    world: World, change: dict[str, object], code: str
) -> None:
    answer = world.as_("olga").post("/imports", {**SOURCE, "endpoint": "https://hub.example.org", **change})
    problem = refused(answer, 422)
    assert problem["code"] == code
    assert "secret" not in answer.text


def test_the_right_is_asked_for_before_the_source_is(world: World) -> None:
    source = {**SOURCE, "endpoint": "https://hub.invalid"}
    refused(world.as_("sven").post("/imports", source), 404)
    refused(world.as_("rita").post("/imports", source), 403)
    refused(world.as_(None).post("/imports", source), 401)
    refused(world.token("olga", Scope.READ).post("/imports", source), 403, "scope_missing")
    refused(world.as_("olga").post("/imports", source), 503, "source_unavailable")


def test_what_is_not_there_looks_like_what_one_may_not_see(world: World) -> None:
    assert ok(world.as_("olga").get("/imports")) == {"items": [], "next_cursor": None}
    assert ok(world.as_("olga").get(f"/imports?repo={world.repo().removeprefix('/repos/')}"))["items"] == []
    refused(world.as_("olga").get("/imports?repo=acme/absent"), 404, "repo_not_found")
    refused(world.as_("olga").get("/imports?repo=acme"), 422, "invalid_name")
    refused(world.as_(None).get("/imports"), 401)
    for method, path in (("get", ""), ("post", "/sync"), ("post", "/cancel"), ("delete", "")):
        refused(getattr(world.as_("olga"), method)(f"/imports/1{path}"), 404, "import_not_found")
        refused(getattr(world.as_(None), method)(f"/imports/1{path}"), 401)
