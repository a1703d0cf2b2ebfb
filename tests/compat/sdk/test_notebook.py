"""The magic %modelkeep in IPython's shell, with a real hub."""

from __future__ import annotations

import builtins
import getpass
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from modelkeep.sdk.credentials import CredentialFile
from modelkeep.sdk.html import cells
from modelkeep.sdk.hub import Hub as Client
from modelkeep.sdk.repo import RepoHandle
from tests.compat.sdk.conftest import PASSWORD
from tests.support.hub import Hub

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("MODELKEEP_URL", "MODELKEEP_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    config = Config()
    config.HistoryManager.enabled = False
    made = InteractiveShell(config=config)  # type: ignore[no-untyped-call]
    made.display_pub = CapturingDisplayPublisher(parent=made)  # type: ignore[no-untyped-call]
    made.run_line_magic("load_ext", "modelkeep")
    return made


def prompts(monkeypatch: pytest.MonkeyPatch, name: str, secret: str) -> None:
    monkeypatch.setattr(builtins, "input", lambda _: name)
    monkeypatch.setattr(getpass, "getpass", lambda _: secret)


def html(shown: Any) -> str:
    text: str = shown._repr_html_()
    return text


@pytest.fixture
def repo(hub: Hub, shell: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RepoHandle]:
    """A repo with a version whose message is hostile, and a log-in."""
    prompts(monkeypatch, "ada", PASSWORD)
    said = repr(shell.run_line_magic("modelkeep", f"login {hub.url}"))
    assert said == f"Logged in to {hub.url} as ada."
    saved = CredentialFile().default()
    assert saved is not None
    hub.secrets.add(saved.token)
    with Client() as client:
        name = f"acme/{hub.org()}"
        client.repos.create(name)
        handle = client.repo(name)
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / "model.onnx").write_bytes(b"\x01" * 3_000_000)
        handle.upload("new")
        handle.register("churn", message=EVIL)
        handle.promote("churn", "prod", version="latest")
        yield handle


def test_the_registry_is_a_table(shell: Any, repo: RepoHandle) -> None:
    everywhere = html(shell.run_line_magic("modelkeep", "show"))
    assert f"<td>{repo.name}</td><td>churn</td><td>v0.0.1</td><td>v0.0.1</td>" in everywhere
    assert "<th>#prod</th>" in everywhere
    assert "<td>churn</td>" in html(shell.run_line_magic("modelkeep", f"show {repo.name}"))
    shown = shell.run_line_magic("modelkeep", f"show {repo.name} churn")
    head, row = repr(shown).splitlines()
    assert (head.split()[0], row.split()[0]) == ("version", "v0.0.1")
    assert "\\n" not in row, "the message without the line's end"
    versions = html(shown)
    assert "<td>v0.0.1</td>" in versions
    assert "<img" not in versions
    assert "&lt;img src=x onerror=alert(1)&gt;" in versions


def test_stages_stand_side_by_side() -> None:
    found = [
        {"artifact": "a", "stages": {"prod": "v1"}, "type": "x"},
        {"artifact": "b", "stages": {"dev": "v2"}},
    ]
    names, rows = cells(found, ("artifact", "stages", "type"))
    assert names == ["artifact", "#dev", "#prod", "type"]
    assert rows == [["a", "", "v1", "x"], ["b", "v2", "", ""]]
    assert cells([{"artifact": "a", "stages": {}}], ("artifact", "stages"))[0] == ["artifact"]


def test_a_download_moves_a_bar_and_answers_a_table(shell: Any, repo: RepoHandle, tmp_path: Path) -> None:
    done = shell.run_line_magic("modelkeep", f"download {repo.name} --stage prod --to got --include '*.onnx'")
    assert (tmp_path / "got" / "model.onnx").stat().st_size == 3_000_000
    assert "churn v0.0.1" in repr(done)
    assert "<td>model.onnx</td><td>3000000</td>" in html(done)
    bars = shell.display_pub.outputs
    assert len({bar["transient"]["display_id"] for bar in bars}) == 1
    assert not bars[0]["update"]
    assert all(bar["update"] for bar in bars[1:])
    assert 'value="100"' in bars[-1]["data"]["text/html"]


def test_what_goes_wrong_is_a_sentence(shell: Any, repo: RepoHandle) -> None:
    for line, said in (
        ("show acme/nothing", "There is no repo"),
        ("download acme/nothing", "There is no repo"),
        ("dance", "invalid choice"),
        ("download", "required"),
        ("show 'acme", "No closing quotation"),
        ("--help", "usage"),
    ):
        answer = shell.run_line_magic("modelkeep", line)
        assert said in repr(answer), line
        assert repr(answer).startswith("error: ")
        assert "<p>error: " in html(answer)


def test_a_wrong_password_saves_nothing(hub: Hub, shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts(monkeypatch, "ada", "wrong")
    assert repr(shell.run_line_magic("modelkeep", f"login {hub.url}")).startswith("error: ")
    prompts(monkeypatch, "", "mk_wrong")
    assert repr(shell.run_line_magic("modelkeep", f"login {hub.url}")).startswith("error: ")
    assert CredentialFile().default() is None


def test_a_token_can_be_pasted(hub: Hub, shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts(monkeypatch, "", hub.token("bob"))
    assert "as bob" in repr(shell.run_line_magic("modelkeep", f"login {hub.url}"))
    saved = CredentialFile().default()
    assert saved is not None
    assert saved.username == "bob"
    assert saved.token_id is None
