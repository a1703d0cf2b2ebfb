"""The commands of two how-tos, run as they stand there: sign a tag, and verify promotions without the hub."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from modelkeep.domain.access import Role
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo, User
from tests.support.ssh import SshKey

Machine = Callable[..., Git]
HOW_TO = Path(__file__).resolve().parents[3] / "docs" / "how-to"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _blocks(page: str) -> list[str]:
    return BLOCK.findall((HOW_TO / page).read_text(encoding="utf-8"))


class Desk:
    """A user's shell, to which commands of a how-to are given for a repo of their own."""

    def __init__(self, hub: Hub, machine: Machine) -> None:
        self.hub = hub
        self.user: User = hub.user("ada")
        self.repo: HubRepo = hub.repo((self.user, Role.MAINTAINER))
        self.git = machine(self.user.token)
        self.key = SshKey(self.git.home / ".ssh")
        tree = self.git.clone(self.repo.git_url, "mine")
        self.git("lfs", "track", "*.safetensors", cwd=tree)
        self.git.commit(tree, {"model.safetensors": b"weights"})
        self.git("push", "-q", "origin", "main", cwd=tree)
        self.api("POST", "/artifacts/churn/versions", {"version": "v1.0.0"})

    def api(self, method: str, path: str, body: object) -> None:
        answer = self.hub.request(
            method, f"/api/v1/repos/{self.repo.full_name}{path}", self.user.token, json=body
        )
        assert answer.status_code == 201, answer.text

    def run(self, *commands: str) -> subprocess.CompletedProcess[str]:
        """Gives commands to one shell, which ends at the first that fails."""
        script = "\n".join(["set -eu", *commands])
        for told, here in (
            ("https://models.example.org", self.hub.url),
            ("acme/churn", self.repo.full_name),
            ("cd churn\n", f"cd {self.repo.name}\n"),
        ):
            assert told in script
            script = script.replace(told, here)
        env = {**self.git.env, "MODELKEEP_TOKEN": self.user.token}
        return subprocess.run(
            ["bash", "-c", script], cwd=self.git.home, env=env, capture_output=True, text=True, timeout=60
        )


@pytest.fixture
def desk(hub: Hub, machine: Machine) -> Desk:
    return Desk(hub, machine)


def test_signing_a_tag(desk: Desk) -> None:
    done = desk.run(*_blocks("sign-tags.md"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f'"signer":"{desk.user.name}"' in done.stdout
    assert '"status":"good"' in done.stdout


def test_verifying_a_promotion(desk: Desk) -> None:
    desk.api("PUT", "/artifacts/churn/stages/prod", {"version": "v1.0.0"})
    done = desk.run(*_blocks("verify-a-promotion.md"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count('Good "git" signature for hub@modelkeep with ED25519 key SHA256:') == 1
    assert done.stdout.count('Good "git" signature for hub@modelkeep with ED25519 key SHA256:') == 1
    assert "Assigning stage prod to artifact churn version v1.0.0" in done.stdout
    assert "\nchurn@v1.0.0\n" in done.stdout
    oids = re.findall(r"^([0-9a-f]{64}) .*model\.safetensors$", done.stdout, re.MULTILINE)
    assert len(oids) == 2
    assert len(set(oids)) == 1
    assert "not verified" not in done.stdout


def test_what_is_not_signed_is_found(desk: Desk) -> None:
    desk.git("tag", "-a", "-m", "By hand", "churn#prod#1", cwd=desk.git.home / "mine")
    desk.git("push", "-q", "origin", "churn#prod#1", cwd=desk.git.home / "mine")
    blocks = _blocks("verify-a-promotion.md")
    (keep, clone, loop) = (
        next(b for b in blocks if text in b) for text in ("-o allowed_signers", "clone", "while")
    )
    done = desk.run(keep, clone, loop)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("not verified: churn#prod#1\n")
    assert done.stdout.count("not verified") == 1
    assert desk.run(keep, clone, "git verify-tag 'churn#prod#1'").returncode != 0
