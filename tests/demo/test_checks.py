"""What the demonstration checks, and how it prints commands."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.console import WIDTH, wrap_command
from demo.files import digests, require_same
from demo.person import Failed


def test_the_same_files_are_the_same(tmp_path: Path) -> None:
    for folder in ("pushed", "received"):
        (tmp_path / folder / "onnx").mkdir(parents=True)
        (tmp_path / folder / "onnx" / "model.onnx").write_bytes(b"weights")
    (tmp_path / "pushed" / ".git").mkdir()
    (tmp_path / "pushed" / ".git" / "HEAD").write_text("ref: refs/heads/main\n")

    sentence = require_same(digests(tmp_path / "pushed"), digests(tmp_path / "received"), "clone")

    assert sentence.startswith("1 files as pushed; onnx/model.onnx has sha256 ")


@pytest.mark.parametrize(
    ("received", "complaint"),
    [
        ({"a": "1" * 64, "b": "3" * 64}, "b: sha256 3"),
        ({"a": "1" * 64}, "b: missing"),
        ({"a": "1" * 64, "b": "2" * 64, "c": "4" * 64}, "c: was not pushed"),
    ],
)
def test_a_difference_fails_and_is_named(received: dict[str, str], complaint: str) -> None:
    with pytest.raises(Failed, match="not what was pushed") as failure:
        require_same({"a": "1" * 64, "b": "2" * 64}, received, "download")

    assert complaint in failure.value.output


def test_nothing_is_not_the_same_as_nothing() -> None:
    with pytest.raises(Failed):
        require_same({}, {}, "download")


WORDS = st.lists(st.text("abc '\"-@#~/\\", min_size=1, max_size=20).map(shlex.quote), min_size=1, max_size=12)


@given(WORDS)
def test_a_wrapped_command_is_the_same_command(words: list[str]) -> None:
    lines = wrap_command("ada:~$", " ".join(words), WIDTH - 12)

    pasted = "\n".join(lines).removeprefix("ada:~$")
    assert shlex.split(pasted.replace("\\\n", "")) == shlex.split(" ".join(words))


def test_long_commands_are_broken_between_options() -> None:
    command = (
        "modelkeep admin org create acme --full-name 'Acme Flowers' --member ada:owner --data var/demo/hub"
    )

    lines = wrap_command("$", command, 68)

    assert lines == [
        "$ modelkeep admin org create acme --full-name 'Acme Flowers' \\",
        "    --member ada:owner --data var/demo/hub",
    ]
