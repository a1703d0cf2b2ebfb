"""KServe's storage initializer pulls a version, or a stage, by ``hf://``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compat.hub.clients import RELEASES, Client, Outside, Refused
from tests.compat.hub.models import digests, push_model
from tests.support.hub import Hub


@pytest.fixture
def client(hub: Hub, outside: Outside, tmp_path: Path) -> Client:
    """The environment that has `kserve-storage`; it logs in as its caller chooses."""
    (release,) = (one for one in RELEASES if one.name == "1")
    if not release.is_installed:
        pytest.skip(f"KServe is not installed: {release.folder.name} (make setup-hub)")
    return Client(release, tmp_path / "pod", hub.url, None, outside)


def test_versions_and_stages_are_pulled(hub: Hub, client: Client, tmp_path: Path) -> None:
    owner = hub.user("kserve")
    model = push_model(hub, owner, tmp_path)
    with pytest.raises(Refused, match=r"(?i)not found|authenticat"):
        client.call("serving.initialize", uri=f"hf://{model.id}:churn@v1.0.0", folder=tmp_path / "none")
    client.close()
    client.environment["HF_TOKEN"] = owner.token
    for revision, version in (
        ("churn@v1.0.0", "v1.0.0"),
        ("churn#prod", "v1.0.0"),
        ("prod", "v1.0.0"),
        ("churn@v1.1.0", "v1.1.0"),
    ):
        folder = tmp_path / f"models-{revision}"
        client.call("serving.initialize", uri=f"hf://{model.id}:{revision}", folder=folder)
        assert digests(folder) == model.files[version]
    client.call("serving.initialize", uri=f"hf://{model.id}", folder=tmp_path / "newest")
    assert digests(tmp_path / "newest") == model.files["v1.1.0"]
    client.close()
    assert client.elsewhere() == []
