"""Starts that must not do harm: beside another server, on damaged data, with a token that can be guessed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from modelkeep.domain.errors import InvalidInput
from modelkeep.settings import Settings
from tests.support.hub import Hub, HubProcess


@pytest.fixture
def own_hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub that a test may damage; what its log says is the test's matter."""
    process = HubProcess(tmp_path / "data", tmp_path / "hub.log")
    process.start()
    hub = Hub(process)
    try:
        yield hub
    finally:
        process.kill()
        hub.close()


def test_a_second_server_on_the_same_data_touches_nothing(own_hub: Hub, tmp_path: Path) -> None:
    upload = own_hub.blobs / "tmp" / "upload-under-way"
    upload.write_bytes(b"half of it")
    second = HubProcess(own_hub.process.data, tmp_path / "second.log")
    with pytest.raises(AssertionError, match="Another modelkeep serve"):
        second.start()
    second.kill()
    assert upload.read_bytes() == b"half of it"
    own_hub.process.kill()
    own_hub.process.start()
    assert not upload.exists()


def test_a_damaged_repo_keeps_no_other_from_being_served(own_hub: Hub) -> None:
    broken, whole = own_hub.repo(), own_hub.repo()
    own_hub.process.kill()
    shutil.rmtree(broken.git_dir / "objects")
    (broken.git_dir / "refs/heads/new").write_text("12" * 20 + "\n")
    own_hub.process.start()
    admin = own_hub.client("mk_admin_token_of_the_tests")
    with admin:
        assert admin.get(f"/api/v1/repos/{whole.full_name}/tree/main").status_code == 200
        assert admin.get(f"/api/v1/repos/{broken.full_name}/tree/main").status_code == 503
    assert "repo_damaged" in own_hub.log_text()


def test_a_token_that_can_be_guessed_is_not_for_an_open_address() -> None:
    def settings(token: str) -> Settings:
        return Settings(host="192.0.2.1", public_url="https://hub.example.org", admin_token=SecretStr(token))

    with pytest.raises(InvalidInput, match="MODELKEEP_ADMIN_TOKEN"):
        settings("twelve chars").require_safe()
    settings("x" * 20).require_safe()
