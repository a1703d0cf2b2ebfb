"""Transfers through a hub that is killed in the middle."""

from __future__ import annotations

import os
from pathlib import Path

from modelkeep.sdk.hub import Hub
from modelkeep.sdk.progress import TransferEvent
from modelkeep.sdk.retries import RetryPolicy
from tests.compat.cli.conftest import CommandLine, Server

WEIGHTS = os.urandom(48 * 1024 * 1024)


class KillOnce:
    """Kills the hub when half of the first file has moved, and starts it again while the client waits."""

    def __init__(self, server: Server, action: str) -> None:
        self._server = server
        self._action = action
        self.seen: list[int] = []
        self.is_down = False
        self.was_killed = False

    def note(self, event: TransferEvent) -> None:
        if event.action != self._action or event.state != "moving":
            return
        self.seen.append(event.done)
        if not self.was_killed and event.done >= event.total // 2:
            self.was_killed = self.is_down = True
            self._server.stop(at_once=True)

    def wait(self, seconds: float) -> None:
        if self.is_down:
            self._server.start()
            self.is_down = False


def test_an_upload_goes_on_after_the_hub_was_killed(server: Server, ada: CommandLine, tmp_path: Path) -> None:
    ada.run("repo", "create", "acme/killed-up")
    (tmp_path / "model.safetensors").write_bytes(WEIGHTS)
    killer = KillOnce(server, "upload")
    with Hub(server.url, ada.variables["MODELKEEP_TOKEN"], policy=RetryPolicy(sleep=killer.wait)) as hub:
        repo = hub.repo("acme/killed-up")
        repo.upload(tmp_path / "model.safetensors", progress=killer.note)
        assert killer.was_killed
        restarts = [
            after for before, after in zip(killer.seen, killer.seen[1:], strict=False) if after < before
        ]
        assert restarts, "the hub was to be asked how far it had come"
        assert restarts[0] > 0, "what had arrived was to be kept"
        repo.download(tmp_path / "back")
    assert (tmp_path / "back" / "model.safetensors").read_bytes() == WEIGHTS


def test_a_download_goes_on_after_the_hub_was_killed(
    server: Server, ada: CommandLine, tmp_path: Path
) -> None:
    ada.run("repo", "create", "acme/killed-down")
    (tmp_path / "model.safetensors").write_bytes(WEIGHTS)
    ada.run("upload", "acme/killed-down", tmp_path / "model.safetensors", "-q")
    killer = KillOnce(server, "download")
    with Hub(server.url, ada.variables["MODELKEEP_TOKEN"], policy=RetryPolicy(sleep=killer.wait)) as hub:
        hub.repo("acme/killed-down").download(tmp_path / "back", include=["model.*"], progress=killer.note)
    assert killer.was_killed
    assert min(killer.seen[1:]) > 0, "what had arrived was to be kept"
    assert (tmp_path / "back" / "model.safetensors").read_bytes() == WEIGHTS
