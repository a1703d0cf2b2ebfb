from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.cli.git_questions import parse_request
from modelkeep.sdk.credentials import CredentialFile, Login


@pytest.fixture
def file(tmp_path: Path) -> CredentialFile:
    made = CredentialFile(tmp_path / "modelkeep" / "credentials.json")
    made.save(Login("https://hub.example.org", "ada", "mk_root"))
    made.save(Login("https://hub.example.org/models", "eve", "mk_models"))
    made.save(Login("http://127.0.0.1:8000", "bob", "mk_local"))
    return made


def ask(file: CredentialFile, operation: str, *lines: str, **variables: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MODELKEEP_")}
    done = subprocess.run(
        [sys.executable, "-m", "modelkeep", "git-credential", operation],
        input="\n".join([*lines, "", ""]),
        env={**kept, "XDG_CONFIG_HOME": str(file.path.parents[1]), **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (("protocol=http", "host=127.0.0.1:8000"), "username=bob\npassword=mk_local\n"),
        (
            ("protocol=https", "host=hub.example.org", "path=acme/churn.git"),
            "username=ada\npassword=mk_root\n",
        ),
        (
            ("protocol=https", "host=hub.example.org", "path=models/a/b.git"),
            "username=eve\npassword=mk_models\n",
        ),
        (
            ("a[]=b", "protocol=http", "host=127.0.0.1:8000", "username=bob"),
            "username=bob\npassword=mk_local\n",
        ),
        (("protocol=http", "host=127.0.0.1:8000", "username=eve"), ""),
        (("protocol=http", "host=hub.example.org"), ""),
        (("protocol=https", "host=hub.example.org.evil.org"), ""),
        (("protocol=https", "host=127.0.0.1:8000"), ""),
        (("protocol=file", "host="), ""),
        ((), ""),
    ],
)
def test_the_log_in_of_exactly_this_hub_is_given(
    file: CredentialFile, lines: tuple[str, ...], answer: str
) -> None:
    assert ask(file, "get", *lines) == answer


def test_the_environment_counts_for_its_own_hub_only(file: CredentialFile) -> None:
    variables = {"MODELKEEP_URL": "http://localhost:9", "MODELKEEP_TOKEN": "mk_env"}
    assert ask(file, "get", "protocol=http", "host=localhost:9", **variables).endswith("password=mk_env\n")
    assert ask(file, "get", "protocol=http", "host=127.0.0.1:8000", **variables).endswith(
        "password=mk_local\n"
    )


def test_erase_forgets_the_refused_token_only(file: CredentialFile) -> None:
    lines = ("protocol=http", "host=127.0.0.1:8000", "username=bob")
    ask(file, "erase", *lines, "password=another")
    assert file.find("http://127.0.0.1:8000") is not None
    ask(file, "store", *lines, "password=mk_new")
    ask(file, "erase", *lines, "password=mk_local")
    assert file.find("http://127.0.0.1:8000") is None
    assert len(file.logins()) == 2


@given(st.binary(max_size=500))
def test_any_bytes_are_read(text: bytes) -> None:
    for key, value in parse_request(text).items():
        assert "\n" not in key + value


def test_only_the_first_block_counts() -> None:
    assert parse_request(b"a=1\nb=x=y\nwwwauth[]=Basic\njunk\n\nc=3\n") == {"a": "1", "b": "x=y"}
