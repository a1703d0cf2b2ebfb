"""``modelkeep repo access``: gating a repo, asking, answering."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelkeep.domain.access import ALL_SCOPES, Visibility
from tests.compat.cli.in_process import InProcess
from tests.support.hub import Hub, HubRepo, User


@pytest.fixture
def owner(hub: Hub) -> User:
    return hub.user("owner")


@pytest.fixture
def repo(hub: Hub, owner: User) -> HubRepo:
    return hub.repo(namespace=owner.name, visibility=Visibility.PUBLIC)


def _machine(hub: Hub, user: User, folder: Path) -> InProcess:
    folder.mkdir()
    token = hub.token(user.name, *ALL_SCOPES)
    return InProcess(folder, {"MODELKEEP_URL": hub.url, "MODELKEEP_TOKEN": token})


def test_from_gating_to_an_answer(hub: Hub, owner: User, repo: HubRepo, tmp_path: Path) -> None:
    bob = hub.user("bob")
    ours, theirs = _machine(hub, owner, tmp_path / "ours"), _machine(hub, bob, tmp_path / "theirs")
    name = repo.full_name
    assert "not gated" in theirs.run("repo", "access", "show", name).stdout
    assert "maintainer answers" in ours.run("repo", "access", "set", name, "manual").stdout
    assert ours.record("repo", "show", name)["gated"] == "manual"
    assert f"repo access ask {name}" in theirs.run("repo", "access", "show", name).stdout
    asked = theirs.run("repo", "access", "ask", name, "--why", "research")
    assert "your request is pending" in asked.stdout
    listed = ours.records("repo", "access", "list", name)
    assert [(one["user"], one["fields"]) for one in listed] == [(bob.name, {"why": "research"})]
    assert theirs.run("repo", "access", "list", name, code=1).stderr.startswith("error: ")
    ours.run("repo", "access", "accept", name, bob.name)
    assert "You may read" in theirs.run("repo", "access", "show", name).stdout
    ours.run("repo", "access", "reject", name, bob.name, "--reason", "not now")
    assert "rejected: not now" in theirs.run("repo", "access", "show", name).stdout
    assert "rejected" in theirs.run("repo", "access", "ask", name, code=1).stderr
    ours.run("repo", "access", "cancel", name, bob.name)
    assert ours.record("repo", "access", "accept", name, bob.name)["status"] == "accepted"
    eve = hub.user("eve")
    assert ours.record("repo", "access", "accept", name, eve.name)["status"] == "accepted"
    assert ours.records("repo", "access", "list", name, "--status", "rejected") == []
    ours.run("repo", "access", "set", name, "off")
    assert ours.run("repo", "access", "list", name, code=1).stderr.startswith("error: ")
    assert ours.run("repo", "access", "set", name, "sometimes", code=1).stderr.startswith("error: ")
