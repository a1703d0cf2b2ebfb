"""Tokens that did more than their scopes and limits say."""

from __future__ import annotations

from modelkeep.domain.access import Role, Scope
from tests.support.hub import Hub


def test_a_token_for_reading_does_not_leave_an_organisation(hub: Hub) -> None:
    user = hub.user()
    org = hub.org((hub.user(), Role.OWNER), (user, Role.CONTRIBUTOR))
    path = f"/api/v1/orgs/{org}/members/{user.name}"
    refused = hub.request("DELETE", path, hub.token(user.name, Scope.READ))
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert hub.request("DELETE", path, user.token).status_code == 204


def test_an_administrators_limited_token_reaches_nobody_elses_tokens(hub: Hub) -> None:
    user = hub.user()
    org = hub.org((user, Role.OWNER))
    limited = hub.token("admin", Scope.ADMIN, limits=[org])
    token_id = hub.actor(user.token).token_id
    new = {"name": "mine", "user": user.name, "scopes": ["read"], "limits": [org]}
    answers = [
        hub.request("DELETE", f"/api/v1/tokens/{token_id}", limited),
        hub.request("GET", f"/api/v1/tokens?user={user.name}", limited),
        hub.request("POST", f"/api/v1/tokens?user={user.name}", limited, json=new),
        hub.request("POST", "/api/v1/tokens", limited, json=new),
    ]
    assert [answer.status_code for answer in answers[:2]] == [403, 403]
    assert all(answer.status_code in (403, 422) for answer in answers)
    assert hub.request("GET", "/api/v1/whoami", user.token).status_code == 200
