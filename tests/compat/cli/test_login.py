"""Logging in, and git with what was logged in."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import httpx

from tests.compat.cli.conftest import PASSWORD, CommandLine, Server, clean_environment


def test_login_makes_a_token_and_logout_revokes_it(server: Server, machine: CommandLine) -> None:
    person = CommandLine(machine.home)
    said = person.run("login", "--url", server.url, "--username", "ada", input=PASSWORD + "\n")
    assert PASSWORD not in said.stdout + said.stderr
    file = machine.home / ".config" / "modelkeep" / "credentials.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert PASSWORD not in file.read_text()
    who = person.record("whoami")
    assert who["user"] == {"name": "ada", "full_name": "", "email": "", "is_hub_admin": False}
    assert "mk_" not in str(who)
    assert person.run("repo", "create", "ada/mine").returncode == 0

    secret = file.read_text().split('"token": "')[1].split('"')[0]
    assert person.record("logout")["is_revoked"] is True
    assert (
        httpx.get(f"{server.url}/api/v1/whoami", headers={"Authorization": f"Bearer {secret}"}).status_code
        == 401
    )
    assert person.run("whoami", code=1).stderr.startswith("error: No hub is known")


def test_a_token_that_was_brought_along_outlives_the_login(
    server: Server, machine: CommandLine, adas_token: str
) -> None:
    person = CommandLine(machine.home)
    for argument, line in ((adas_token, ""), ("-", adas_token)):
        person.run("login", "--url", server.url, "--token", argument, input=line)
        assert person.record("whoami")["url"] == server.url
        assert person.record("logout", "--url", server.url)["is_revoked"] is False


def test_wrong_credentials_are_refused_and_not_saved(server: Server, machine: CommandLine) -> None:
    person = CommandLine(machine.home)
    wrong = person.run("login", "--url", server.url, "--username", "nobody", code=1, input="wrong password\n")
    assert "not valid" in wrong.stderr
    person.run("login", "--url", server.url, "--token", "mk_wrong", code=1)
    person.run("login", "--url", server.url, "--username", "ada", code=2)
    person.run("login", "--url", server.url, "--expires", "soon", code=2)
    assert not (machine.home / ".config" / "modelkeep").exists()


def test_scopes_and_expiry_are_what_was_asked(server: Server, machine: CommandLine) -> None:
    person = CommandLine(machine.home)
    options = ("--username", "ada", "--scope", "read", "--expires", "2h")
    person.run("login", "--url", server.url, *options, input=PASSWORD + "\n")
    token = person.record("whoami")["token"]
    assert isinstance(token, dict)
    assert token["scopes"] == ["read"]
    assert token["expires_at"].endswith("Z")
    refused = person.run("repo", "create", "acme/never", code=1)
    assert refused.stderr.startswith("error: ")


def test_git_clones_and_pushes_with_the_saved_login(
    server: Server, machine: CommandLine, tmp_path: Path
) -> None:
    person = CommandLine(machine.home)
    person.run("login", "--url", server.url, "--username", "ada", "--git", input=PASSWORD + "\n")
    person.run("repo", "create", "acme/by-git")
    weights = os.urandom(300_000)

    def git(*arguments: str | Path, code: int = 0) -> str:
        done = subprocess.run(
            ["git", *map(str, arguments)],
            env=clean_environment(machine.home),
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    work = tmp_path / "work"
    git("lfs", "install")
    git("clone", f"{server.url}/acme/by-git.git", work)
    (work / "model.onnx").write_bytes(weights)
    git("-C", work, "add", ".")
    git("-C", work, "-c", "user.name=Ada", "-c", "user.email=a@b.c", "commit", "-m", "Weights")
    git("-C", work, "push")
    person.run("download", "acme/by-git", "--to", tmp_path / "down")
    assert (tmp_path / "down" / "model.onnx").read_bytes() == weights
    assert "version https://git-lfs" in git("-C", work, "show", "HEAD:model.onnx")

    person.run("logout")
    git("clone", f"{server.url}/acme/by-git.git", tmp_path / "again", code=128)
