"""Keys, tokens, organisations, labels and members on the command line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.compat.cli.conftest import Server
from tests.compat.cli.in_process import InProcess


@pytest.fixture
def ada(server: Server, adas_token: str, tmp_path: Path) -> InProcess:
    return InProcess(tmp_path, {"MODELKEEP_URL": server.url, "MODELKEEP_TOKEN": adas_token})


def test_keys(ada: InProcess, tmp_path: Path) -> None:
    private = tmp_path / "id_ed25519"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada@laptop", "-f", private], check=True
    )
    public = private.with_suffix(".pub")
    assert "is a private key" in ada.run("key", "add", private, code=1).stderr
    made = ada.record("key", "add", public)
    assert (made["name"], made["type"]) == ("ada@laptop", "ssh-ed25519")
    assert [one["fingerprint"] for one in ada.records("key", "list")] == [made["fingerprint"]]
    assert [one["id"] for one in ada.records("key", "list", "ada")] == [made["id"]]
    ada.run("key", "remove", str(made["id"]))
    assert ada.records("key", "list") == []
    assert "removed" in ada.run("key", "list", "--removed").stdout
    piped = ada.record("key", "add", "-", "--name", "piped", input=_another(tmp_path))
    assert piped["name"] == "piped"
    assert ada.record("key", "remove", str(piped["id"]), "--revoke")["is_revoked"] is True
    assert ada.run("key", "add", "-", code=1, input="ssh-ed25519 nonsense").stderr.startswith("error: ")


def _another(folder: Path) -> str:
    path = folder / "another"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.with_suffix(".pub").read_text()


def test_tokens(ada: InProcess) -> None:
    said = ada.lines("token", "create", "ci", "--scope", "read", "--limit", "acme", "--expires", "2h")
    assert said[-1].startswith("mk_")
    (listed,) = [one for one in ada.records("token", "list") if one["name"] == "ci"]
    assert listed["token"] == ""
    assert listed["limits"] == ["acme"]
    assert listed["expires_at"]
    ci = InProcess(ada.home, {**ada.variables, "MODELKEEP_TOKEN": said[-1]})
    ci.run("repo", "list", "--namespace", "acme")
    assert "scope" in ci.run("token", "create", "more", code=1).stderr
    ada.run("token", "revoke", str(listed["id"]))
    ci.run("whoami", code=1)
    ada.run("token", "create", "x", "--expires", "soon", code=2)


def test_organisations(ada: InProcess) -> None:
    ada.run("org", "create", "labs", "--full-name", "The Labs", "--member", "bob:reader")
    assert "The Labs" in ada.run("org", "list").stdout
    assert ada.record("org", "show", "labs")["role"] == "owner"
    assert ada.lines("org", "show", "labs")[0] == "organisation   labs"
    ada.run("org", "member", "add", "labs", "bob", "maintainer")
    roles = {one["name"]: one["role"] for one in ada.records("org", "member", "list", "labs")}
    assert roles == {"ada": "owner", "bob": "maintainer"}
    ada.run("org", "member", "remove", "labs", "bob")
    assert [one["name"] for one in ada.records("org", "member", "list", "labs")] == ["ada"]
    ada.run("org", "create", "other", "--member", "bob", code=2)
    assert ada.run("org", "show", "nothing", code=1).stderr.startswith("error: ")


def test_labels_and_members_of_a_repo(ada: InProcess) -> None:
    repo = str(ada.record("repo", "create", "ada/labelled", "--label", "one")["full_name"])
    assert ada.record("repo", "label", "add", repo, "two", "one")["labels"] == ["one", "two"]
    assert ada.run("repo", "label", "remove", repo, "one", "none").stdout == f"{repo}: two.\n"
    assert ada.run("repo", "label", "remove", repo, "two").stdout == f"{repo}: no labels.\n"
    ada.run("repo", "member", "add", repo, "bob", "contributor")
    assert ada.records("repo", "member", "list", repo) == [{"name": "bob", "role": "contributor"}]
    ada.run("repo", "member", "remove", repo, "bob")
    assert "Nobody has a role" in ada.run("repo", "member", "list", repo).stderr
    ada.run("repo", "label", "add", repo, code=2)
