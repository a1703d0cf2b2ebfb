"""A hub whose new repos are open unless their makers say otherwise, as clients written for a public hub expect."""

from __future__ import annotations

from pathlib import Path

from tests.support.hub import ADMIN_TOKEN, running_hub


def test_repos_of_users_are_as_the_hub_is_set(tmp_path: Path) -> None:
    with running_hub(tmp_path, default_visibility="public") as hub:
        asked = [
            (ADMIN_TOKEN, {"name": "churn"}, 200),
            (ADMIN_TOKEN, {"name": "secret", "private": True}, 401),
        ]
        for secret, sent, status in asked:
            made = hub.request("POST", "/api/repos/create", secret, json=sent).json()
            assert hub.request("GET", f"/api/models/{made['name']}").status_code == status
