"""The hub's own commands, on its data folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.compat.cli.conftest import PASSWORD, CommandLine, Server


def test_users(server: Server, machine: CommandLine) -> None:
    data = ("--data", server.data)
    made = machine.record(
        "admin", "user", "create", "eve", "--full-name", "Eve E.", "--email", "e@x.org", *data
    )
    assert (made["name"], made["full_name"], made["is_hub_admin"]) == ("eve", "Eve E.", False)
    password = str(made["password"])
    person = CommandLine(machine.home)
    person.run("login", "--url", server.url, "--username", "eve", input=password + "\n")
    changed = machine.record(
        "admin", "user", "set-password", "eve", "--password", "-", *data, input=PASSWORD + "\n"
    )
    assert changed["password"] is None
    person.run("login", "--url", server.url, "--username", "eve", input=PASSWORD + "\n")
    machine.run("admin", "user", "disable", "eve", *data)
    assert "error: " in person.run("whoami", code=1).stderr
    names = {one["name"]: one["is_disabled"] for one in machine.records("admin", "user", "list", *data)}
    assert names["eve"] is True
    assert names["ada"] is False
    assert "disabled" in machine.run("admin", "user", "list", *data).stdout
    machine.run("admin", "user", "disable", "eve", "--undo", *data)
    person.run("whoami")


def test_a_password_that_was_made_up_is_shown(server: Server, machine: CommandLine) -> None:
    said = machine.run("admin", "user", "create", "mallory", "--data", server.data).stdout
    password = said.splitlines()[-1].rpartition(" ")[2]
    CommandLine(machine.home).run(
        "login", "--url", server.url, "--username", "mallory", input=password + "\n"
    )


def test_organisations(server: Server, machine: CommandLine) -> None:
    data = ("--data", server.data)
    options = (
        "--full-name",
        "Other",
        "--member",
        "ada:reader",
        "--member",
        "bob:owner",
        "--default-visibility",
        "shared",
    )
    made = machine.record("admin", "org", "create", "other", *options, *data)
    assert made["default_visibility"] == "shared"
    assert made["members"] == [{"user": "ada", "role": "reader"}, {"user": "bob", "role": "owner"}]
    assert {"acme", "other"} <= {one["name"] for one in machine.records("admin", "org", "list", *data)}
    assert "is taken" in machine.run("admin", "org", "create", "OTHER", *data, code=1).stderr
    assert "role" in machine.run("admin", "org", "create", "x", "--member", "ada:king", *data, code=1).stderr
    machine.run("admin", "org", "create", "x", "--member", "ada", *data, code=2)


def test_tokens(server: Server, machine: CommandLine) -> None:
    data = ("--data", server.data)
    options = (
        "--user",
        "bob",
        "--name",
        "ci",
        "--scope",
        "read,write",
        "--limit",
        "acme",
        "--expires",
        "30d",
    )
    made = machine.record("admin", "token", "create", *options, *data)
    assert {"id", "name", "user", "scopes", "limits", "expires_at", "hint", "token"} <= set(made)
    assert (made["user"], made["scopes"], made["limits"]) == ("bob", ["read", "write"], ["acme"])
    plain = machine.run("admin", "token", "create", "--user", "bob", *data).stdout.splitlines()[-1]
    person = CommandLine(machine.home, {"MODELKEEP_URL": server.url, "MODELKEEP_TOKEN": plain})
    assert "bob" in person.run("whoami").stdout
    listed = machine.run("admin", "token", "list", "--user", "bob", *data).stdout
    assert "ci" in listed
    assert plain not in listed
    token = next(
        one
        for one in machine.records("admin", "token", "list", "--user", "bob", *data)
        if one["name"] != "ci"
    )
    machine.run("admin", "token", "revoke", str(token["id"]), *data)
    person.run("whoami", code=1)
    assert "no token" in machine.run("admin", "token", "revoke", "99999", *data, code=1).stderr
    assert (
        "scope"
        in machine.run("admin", "token", "create", "--user", "bob", "--scope", "all", *data, code=1).stderr
    )


def test_a_missing_data_folder_is_not_made(machine: CommandLine, tmp_path: Path) -> None:
    refused = machine.run("admin", "user", "list", "--data", tmp_path / "typo", code=1)
    assert "There is no data folder" in refused.stderr
    assert not (tmp_path / "typo").exists()
    machine.run("reindex", "--data", tmp_path / "typo", code=1)
    assert not (tmp_path / "typo").exists()


def test_accounts_can_be_made_before_the_first_start(machine: CommandLine, tmp_path: Path) -> None:
    data = tmp_path / "new" / "hub"
    made = machine.run("admin", "user", "create", "eve", "--password", "short", "--data", data)
    assert "A new hub begins" in made.stderr
    machine.run("admin", "org", "create", "early", "--member", "eve:owner", "--data", data)
    assert "eve" in machine.run("admin", "user", "list", "--data", data).stdout


def test_reindex_finds_what_was_done_behind_the_hubs_back(
    server: Server, ada: CommandLine, tmp_path: Path
) -> None:
    ada.run("repo", "create", "acme/behind")
    assert ada.record("reindex", "--check", "--data", server.data)["lagging"] == []
    repo_id = str(ada.record("repo", "show", "acme/behind")["id"])
    git_dir = next(path for path in (server.data / "repos").rglob("HEAD") if repo_id in str(path)).parent
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    tag = ["git", f"--git-dir={git_dir}", *identity, "tag", "-a", "-m", "By hand", "m@v1.0.0", "main"]
    subprocess.run(tag, check=True, timeout=60)
    assert "acme/behind" in ada.run("reindex", "--check", "--data", server.data, code=1).stdout
    assert "acme/behind" in ada.run("reindex", "acme/behind", "--data", server.data).stdout
    ada.run("reindex", "--check", "--data", server.data)
    assert [one["latest"] for one in ada.records("show", "acme/behind")] == ["v1.0.0"]
    ada.run("reindex", "--data", server.data)
    assert [one["latest"] for one in ada.records("show", "acme/behind")] == ["v1.0.0"]


def test_wrong_settings_are_named(machine: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "hub.toml"
    file.write_text("prot = 8000\n")
    refused = machine.run("serve", "--data", tmp_path / "hub", "--config", file, code=1)
    assert "prot" in refused.stderr.lower()
    machine.run("serve", "--port", "70000", code=2)
