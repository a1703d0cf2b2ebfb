"""Tokens that did more than their scopes and limits say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from modelkeep.domain.access import Role, Scope
from modelkeep.domain.errors import NotPermitted
from tests.support.hub import Hub


def test_a_token_for_reading_does_not_leave_an_organisation(hub: Hub) -> None:
    user = hub.user()
    org = hub.org((hub.user(), Role.OWNER), (user, Role.CONTRIBUTOR))
    path = f"/api/v1/orgs/{org}/members/{user.name}"
    refused = hub.request("DELETE", path, hub.token(user.name, Scope.READ))
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert hub.request("DELETE", path, user.token).status_code == 204


def test_a_token_with_an_end_makes_none_that_outlives_it(hub: Hub) -> None:
    user, now = hub.user(), datetime.now(UTC)
    ending = hub.token(user.name, expires_at=now + timedelta(hours=1))
    for body in ({}, {"expires_in": 7200}):
        answer = hub.request("POST", "/api/v1/tokens", ending, json={"name": "x", "scopes": ["read"], **body})
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    shorter = {"name": "x", "scopes": ["read"], "expires_in": 60}
    assert hub.request("POST", "/api/v1/tokens", ending, json=shorter).status_code == 201


def test_a_limited_token_lists_no_other_organisations(hub: Hub) -> None:
    user = hub.user()
    one, other = hub.org((user, Role.OWNER)), hub.org((user, Role.OWNER))
    limited = hub.token(user.name, limits=[one])
    names = {org["name"] for org in hub.request("GET", "/api/v1/orgs", limited).json()["items"]}
    assert (one in names, other in names) == (True, False)


def test_an_administrators_limited_token_reaches_nobody_elses_tokens(hub: Hub) -> None:
    user = hub.user()
    org = hub.org((user, Role.OWNER))
    limited = hub.token("admin", Scope.ADMIN, limits=[org])
    token_id = hub.actor(user.token).token_id
    answer = hub.request("DELETE", f"/api/v1/tokens/{token_id}", limited)
    assert (answer.status_code, answer.json()["code"]) == (403, "admin_needed")
    actor = hub.actor(limited)
    with pytest.raises(NotPermitted):
        hub.services.tokens.list(actor, user.name)
    with pytest.raises(NotPermitted):
        hub.services.tokens.create(actor, name="x", user=user.name, scopes=[Scope.READ], limits=[org])
    assert hub.request("GET", "/api/v1/whoami", user.token).status_code == 200
