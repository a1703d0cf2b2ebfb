from __future__ import annotations

import stat
from pathlib import Path

import pytest

import modelkeep
from modelkeep.sdk.addresses import is_loopback, normalise_url, split_repo
from modelkeep.sdk.credentials import CredentialFile, Login, choose_login, config_folder
from modelkeep.sdk.errors import HubError, NoHub
from modelkeep.sdk.hub import Hub


@pytest.fixture
def file(tmp_path: Path) -> CredentialFile:
    return CredentialFile(tmp_path / "config" / "credentials.json")


def test_saved_and_found_again_by_its_owner_only(file: CredentialFile) -> None:
    file.save(Login("https://hub.example.org", "ada", "mk_1", 7))
    assert file.find("https://HUB.example.org:443/") == Login("https://hub.example.org", "ada", "mk_1", 7)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in file.path.parent.iterdir()] == ["credentials.json"]


def test_the_last_login_is_the_default(file: CredentialFile) -> None:
    assert file.default() is None
    for name in ("a", "b", "a"):
        file.save(Login(f"https://{name}", "ada", f"mk_{name}"))
    default = file.default()
    assert default is not None
    assert default.url == "https://a"
    assert file.remove("https://a") == Login("https://a", "ada", "mk_a")
    assert file.remove("https://a") is None
    assert list(file.logins()) == ["https://b"]


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"hubs": [{"url": 3}]}', b"\xff", b"[" * 100_000])
def test_a_damaged_file_is_named(file: CredentialFile, content: bytes) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(content)
    with pytest.raises(NoHub, match=r"credentials\.json is damaged"):
        file.logins()


def test_which_hub_and_which_token(file: CredentialFile) -> None:
    with pytest.raises(NoHub, match="modelkeep login"):
        choose_login(None, None, file=file, environment={})
    file.save(Login("https://a", "ada", "mk_a"))
    assert choose_login(None, None, file=file, environment={}) == ("https://a", "mk_a")
    assert choose_login("https://b", None, file=file, environment={}) == ("https://b", None)
    assert choose_login("https://b", "mk_b", file=file, environment={}) == ("https://b", "mk_b")
    environment = {"MODELKEEP_URL": "https://c/", "MODELKEEP_TOKEN": "mk_c\n"}
    assert choose_login(None, None, file=file, environment=environment) == ("https://c", "mk_c")
    assert choose_login("https://a", "mk_d", file=file, environment=environment) == ("https://a", "mk_d")


def test_the_hub_takes_the_saved_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("MODELKEEP_URL", raising=False)
    CredentialFile().save(Login("http://127.0.0.1:1", "ada", "mk_a"))
    with modelkeep.Hub() as hub:
        assert isinstance(hub, Hub)
        assert hub.url == "http://127.0.0.1:1"
    assert (tmp_path / "modelkeep" / "credentials.json").is_file()


def test_a_relative_config_folder_is_passed_over() -> None:
    assert config_folder({"XDG_CONFIG_HOME": "here"}).is_absolute()


def test_secrets_do_not_show() -> None:
    assert "mk_a" not in repr(Login("https://a", "ada", "mk_a"))


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("hub.example.org", "https://hub.example.org"),
        ("HTTP://Hub.Example.org:80/x/", "http://hub.example.org/x"),
        ("localhost:8000", "http://localhost:8000"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        (" https://a ", "https://a"),
    ],
)
def test_urls_have_one_form(text: str, url: str) -> None:
    assert normalise_url(text) == url
    assert normalise_url(url) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://a",
        "https://",
        "https://u:p@a",
        "https://a?b",
        "https://a#b",
        "https://a:x",
        "http://a b",
        "https://[1",
    ],
)
def test_what_is_no_hubs_url(text: str) -> None:
    with pytest.raises(NoHub):
        normalise_url(text)


def test_loopback() -> None:
    assert is_loopback("http://127.0.0.1:80")
    assert is_loopback("http://[::1]")
    assert not is_loopback("http://hub.example.org")
    assert not is_loopback("http://127.0.0.1.example.org")


@pytest.mark.parametrize("name", ["", "a", "a/", "/b", "a/b/c"])
def test_repo_names(name: str) -> None:
    with pytest.raises(HubError):
        split_repo(name) if name != "a/" else split_repo("a/")
