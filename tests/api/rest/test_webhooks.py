"""Webhooks over REST: who manages them, what is refused, what no answer shows."""

from __future__ import annotations

import json

import pytest

from modelkeep.domain.access import Scope
from tests.api.rest.world import World, ok, refused

URL = "https://ci.example.org/hooks/1?key=s3cr3t"
SHAPE = {
    "id",
    "url",
    "events",
    "artifacts",
    "stages",
    "is_active",
    "description",
    "created_at",
    "created_by",
    "failing_since",
    "last_delivery",
}


@pytest.mark.parametrize("place", ["repo", "org"])
def test_from_making_to_removing(world: World, place: str) -> None:
    base = f"{world.repo()}/webhooks" if place == "repo" else "/orgs/acme/webhooks"
    olga = world.as_("olga")
    answer = olga.post(base, {"url": URL, "events": ["stage.*"], "stages": ["prod"], "description": "CI"})
    made = ok(answer, 201)
    assert set(made) == {*SHAPE, "secret"}
    assert made["secret"].startswith("whsec_")
    assert answer.headers["location"].endswith(f"{base}/{made['id']}")
    path = f"{base}/{made['id']}"
    shown = ok(olga.get(path))
    assert set(shown) == SHAPE
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert made["id"] in [one["id"] for one in ok(olga.get(base))["items"]]
    changed = ok(olga.patch(path, {"artifacts": ["churn"], "is_active": False}))
    assert (changed["artifacts"], changed["stages"], changed["is_active"]) == (["churn"], ["prod"], False)
    rotated = ok(olga.post(f"{path}/rotate"))
    assert rotated["secret"] not in (made["secret"], None)
    assert made["secret"] not in json.dumps([shown, changed])
    ok(olga.delete(path), 204)
    refused(olga.get(path), 404, "webhook_not_found")


def test_deliveries_are_listed_shown_and_replayed(world: World) -> None:
    olga, base = world.as_("olga"), f"{world.repo()}/webhooks"
    path = f"{base}/{ok(olga.post(base, {'url': URL}), 201)['id']}"
    ping = ok(olga.post(f"{path}/ping"), 202)
    assert (ping["event_type"], ping["state"], ping["attempts"]) == ("ping", "pending", 0)
    (listed,) = ok(olga.get(f"{path}/deliveries"))["items"]
    assert listed == ping
    assert ok(olga.get(f"{path}/deliveries?state=failed"))["items"] == []
    refused(olga.get(f"{path}/deliveries?state=lost"), 400, "invalid_parameter")
    shown = ok(olga.get(f"{path}/deliveries/{ping['id']}"))
    assert shown["attempts"] == []
    assert json.loads(shown["request"]["body"])["type"] == "ping"
    replay = ok(olga.post(f"{path}/deliveries/{ping['id']}/replay"), 202)
    assert (replay["replay_of"], replay["event_id"]) == (ping["id"], ping["event_id"])
    assert ok(olga.get(path))["last_delivery"]["id"] == replay["id"]
    refused(olga.get(f"{path}/deliveries/none"), 404, "delivery_not_found")
    other = ok(olga.post(base, {"url": URL}), 201)["id"]
    refused(olga.get(f"{base}/{other}/deliveries/{ping['id']}"), 404, "delivery_not_found")


def test_only_who_may_configure_the_repo_or_owns_the_organisation(world: World) -> None:
    repo = f"{world.repo()}/webhooks"
    made = ok(world.as_("mara").post(repo, {"url": URL}), 201)
    for path in ("", f"/{made['id']}", f"/{made['id']}/deliveries"):
        for name, status in (("cato", 403), ("rita", 403), ("sven", 404), (None, 401)):
            refused(world.as_(name).get(repo + path), status)
        refused(world.as_("mara").get("/orgs/acme/webhooks" + path), 403)
        refused(world.as_("sven").get("/orgs/acme/webhooks" + path), 404)
    refused(world.token("mara", Scope.WRITE).post(repo, {"url": URL}), 403, "scope_missing")
    refused(world.as_("olga").get(f"{world.repo()}/webhooks/{made['id']}"), 404, "webhook_not_found")
    refused(world.as_("olga").get(f"/orgs/acme/webhooks/{made['id']}"), 404, "webhook_not_found")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"url": "http://127.0.0.1/"}, 422, "invalid_url"),
        ({"url": "http://[::ffff:10.0.0.1]/"}, 422, "invalid_url"),
        ({"url": "ftp://example.org"}, 422, "invalid_url"),
        ({"url": "https://a:b@example.org"}, 422, "invalid_url"),
        ({"url": URL, "events": []}, 422, "invalid_events"),
        ({"url": URL, "events": ["everything"]}, 422, "invalid_events"),
        ({"url": URL, "artifacts": ["a b"]}, 422, "invalid_pattern"),
        ({"url": URL, "stages": ["p"] * 51}, 422, "invalid_pattern"),
        ({"url": URL, "secret": "mine"}, 422, "invalid_input"),
        ({"url": URL, "is_active": "yes"}, 422, "invalid_input"),
        ({}, 422, "invalid_input"),
    ],
)
def test_what_cannot_be_right_is_refused(
    world: World, body: dict[str, object], status: int, code: str
) -> None:
    refused(world.as_("olga").post(f"{world.repo()}/webhooks", body), status, code)


def test_there_is_a_limit(world: World) -> None:
    base = f"{world.repo()}/webhooks"
    for _ in range(20):
        ok(world.as_("olga").post(base, {"url": URL}), 201)
    refused(world.as_("olga").post(base, {"url": URL}), 422, "too_many_webhooks")


def test_the_audit_knows_the_host_but_no_path(world: World) -> None:
    repo = world.repo()
    olga = world.as_("olga")
    made = ok(olga.post(f"{repo}/webhooks", {"url": URL}), 201)
    ok(olga.delete(f"{repo}/webhooks/{made['id']}"), 204)
    name = repo.removeprefix("/repos/")
    entries = [one for one in ok(olga.get(f"/audit?repo={name}"))["items"] if "webhook" in one["action"]]
    assert [one["action"] for one in entries] == ["webhook.delete", "webhook.create"]
    assert all(one["details"] == {"host": "ci.example.org"} for one in entries)
    assert "s3cr3t" not in json.dumps(entries)
