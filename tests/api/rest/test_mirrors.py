"""Mirrors over REST: who sets and sees them. That they fetch is shown between two hubs elsewhere."""

from __future__ import annotations

import pytest

from modelkeep.domain.access import Scope
from tests.api.rest.world import World, ok, refused

PATH = "/orgs/acme/mirror"
SENT = {"endpoint": "https://hub.example.org/", "source": "theirs", "token": "hf_secret", "kinds": ["model"]}


def test_owners_set_a_mirror_members_see_it_and_nobody_sees_the_token(world: World) -> None:
    refused(world.as_("olga").get(PATH), 404, "mirror_not_found")
    refused(world.as_("rita").put(PATH, SENT), 403, "role_missing")
    refused(world.as_("sven").put(PATH, SENT), 404, "namespace_not_found")
    refused(world.as_(None).put(PATH, SENT), 401)
    refused(world.token("olga", Scope.WRITE).put(PATH, SENT), 403, "scope_missing")
    answer = world.as_("olga").put(PATH, SENT)
    assert "hf_secret" not in answer.text
    made = ok(answer)
    assert made | {"set_at": None} == {
        "namespace": "acme",
        "endpoint": "https://hub.example.org",
        "source": "theirs",
        "has_token": True,
        "fresh_for": 600,
        "include": [],
        "exclude": [],
        "kinds": ["model"],
        "set_at": None,
        "set_by": "olga",
    }
    assert ok(world.as_("rita").get(PATH)) == made
    refused(world.as_("sven").get(PATH), 404, "namespace_not_found")
    again = ok(world.as_("olga").put(PATH, {"fresh_for": 60}))
    assert (again["source"], again["has_token"], again["fresh_for"]) == ("acme", False, 60)
    refused(world.as_("rita").delete(PATH), 403)
    assert world.as_("olga").delete(PATH).status_code == 204
    refused(world.as_("olga").delete(PATH), 404, "mirror_not_found")


def test_ones_own_namespace_can_be_a_mirror_and_others_cannot_see_it(world: World) -> None:
    assert ok(world.as_("sven").put("/orgs/sven/mirror", {"source": "theirs"}))["namespace"] == "sven"
    refused(world.as_("olga").put("/orgs/sven/mirror", SENT), 403)
    refused(world.as_("olga").get("/orgs/sven/mirror"), 403)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"endpoint": "http://10.1.2.3"}, "source_forbidden"),
        ({"endpoint": "ftp://hub.example.org"}, "invalid_url"),
        ({"source": "a/b"}, "invalid_source"),
        ({"fresh_for": 1}, "invalid_freshness"),
        ({"fresh_for": "1d"}, "invalid_input"),
        ({"kinds": ["space"]}, "invalid_input"),
        ({"token": "a b"}, "invalid_source_token"),
        ({"colour": "red"}, "invalid_input"),
    ],
)
def test_what_cannot_be_is_refused(world: World, change: dict[str, object], code: str) -> None:
    assert refused(world.as_("olga").put(PATH, {**SENT, **change}), 422)["code"] == code
    refused(world.as_("olga").get(PATH), 404, "mirror_not_found")
