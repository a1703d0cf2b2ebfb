"""The reference of the SDK runs as it is written, and says something about every public method."""

from __future__ import annotations

import doctest
import inspect
import re
import subprocess
from pathlib import Path

import pytest

from modelkeep.sdk.accounts import Organisations, Tokens
from modelkeep.sdk.hub import Hub as Client
from modelkeep.sdk.keys import Keys
from modelkeep.sdk.listings import Listing
from modelkeep.sdk.repo import RepoHandle
from modelkeep.sdk.repos import Repos
from modelkeep.sdk.requests import PromotionRequests
from modelkeep.sdk.webhooks import Webhooks
from tests.architecture.tree import ROOT
from tests.support.hub import Hub

PAGE = ROOT / "docs" / "reference" / "sdk.md"
CLASSES = [Client, RepoHandle, Repos, PromotionRequests, Webhooks, Keys, Tokens, Organisations, Listing]


@pytest.fixture
def public_key(tmp_path: Path) -> str:
    path = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", path], check=True)
    return path.with_suffix(".pub").read_text()


def test_the_examples_run(hub: Hub, public_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, content in (("trained", b"\x01"), ("retrained", b"\x02")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.onnx").write_bytes(content * 2048)
        (tmp_path / folder / "config.json").write_text('{"threshold": 0.5}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("MODELKEEP_URL", hub.url)
    monkeypatch.setenv("MODELKEEP_TOKEN", hub.token("ada"))
    known = {"bobs_token": hub.token("bob"), "public_key": public_key}
    text = re.sub(r"^```.*$", "", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest(text, known, "sdk.md", str(PAGE), 0)
    said: list[str] = []
    flags = doctest.ELLIPSIS | doctest.REPORT_ONLY_FIRST_FAILURE
    done = doctest.DocTestRunner(optionflags=flags, verbose=False).run(
        examples, out=said.append, clear_globs=False
    )
    examples.globs["hub"].close()
    assert done.failed == 0, "".join(said)
    assert done.attempted > 60


@pytest.mark.parametrize("kind", CLASSES)
def test_every_public_method_is_in_the_reference(kind: type) -> None:
    text = PAGE.read_text(encoding="utf-8")
    methods = [
        name
        for name, value in inspect.getmembers(kind)
        if not name.startswith("_") and (inspect.isfunction(value) or inspect.ismethod(value))
    ]
    assert methods
    assert [name for name in methods if f".{name}(" not in text] == []
    assert [name for name in methods if not inspect.getdoc(getattr(kind, name))] == []
