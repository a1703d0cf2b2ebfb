from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.cli.durations import parse_duration
from modelkeep.cli.failures import explain
from modelkeep.cli.output import note, printable, say, show_fields, show_json, show_table, size_text
from modelkeep.domain.errors import NotFound as DomainNotFound
from modelkeep.sdk.errors import Conflict, Failed, LocalProblem, NotFound, Unauthenticated


@given(st.text())
def test_nothing_printed_steers_a_terminal(text: str) -> None:
    assert printable(text).isprintable() or printable(text) == ""


def test_names_stay_readable() -> None:
    assert printable("modèle 模型.onnx") == "modèle 模型.onnx"
    assert printable("\x1b[2Jx\n") == "\\x1b[2Jx\\n"


def test_tables_fields_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("a", "long header"), [("x\n", "1"), ("yyyyy", "")], "empty")
    show_table(("a",), [], "nothing here")
    show_fields([("one", "1"), ("three", ""), ("four", "4")])
    show_json([{"a": datetime(2026, 1, 2, tzinfo=UTC)}, ("b",)])
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[:5] == ["a      long header", "x\\n    1", "yyyyy", "one    1", "four   4"]
    assert json.loads("".join(lines[5:])) == [{"a": "2026-01-02T00:00:00Z"}, ["b"]]
    assert shown.err == "nothing here\n"


def test_a_terminal_of_another_encoding_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    say("模型 \ud800")
    note("模型")
    out.flush()
    assert out.buffer.getvalue() == b"\\u6a21\\u578b \\ud800\n"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, ""),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (5 * 2**30, "5.0 GiB"),
        (2**60, "1048576.0 TiB"),
    ],
)
def test_sizes(size: int | None, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("never", None),
        ("30d", timedelta(days=30)),
        ("12H", timedelta(hours=12)),
        (" 1y ", timedelta(days=365)),
    ],
)
def test_durations(text: str, duration: timedelta | None) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "0d", "30", "d", "-1d", "1.5h", "999999y", "²d", "1d1h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_duration(text)


def test_failures_say_what_to_do() -> None:
    assert explain(LocalProblem("x: no such file.")) == "x: no such file."
    assert explain(DomainNotFound("There is no user 'x'.")) == "There is no user 'x'."
    assert explain(FileNotFoundError(2, "No such file or directory", "x")) == "x: No such file or directory."
    assert explain(ValueError("a defect")) is None
    assert "modelkeep login" in str(explain(Unauthenticated("No.", status=401)))
    assert explain(NotFound("No.", status=404, request_id="r-1")) == "No."
    assert explain(Failed("Broken.", status=500, request_id="r-1")) == "Broken.\nRequest id: r-1"
    assert "--scope admin" in str(explain(Conflict("No.", status=403, code="scope_missing")))
    fields = {"dependants": [{"kind": "stage", "name": "m#prod\x1b"}, 3]}
    assert explain(Conflict("In use.", status=409, fields=fields)) == "In use.\n  - stage m#prod\\x1b"


def _on_a_terminal(*cells: str, **variables: str) -> str:
    row = cells or ("[red]churn[/red]", "v1.0.0")
    headers = ("name", "#prod", "message")[: len(row)]
    program = f"from modelkeep.cli.output import show_table\nshow_table({headers!r}, [{row!r}], '')\n"
    ours, theirs = pty.openpty()
    environment = {
        name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")
    }
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=theirs,
        env={**environment, "TERM": "xterm-256color", **variables},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    assert process.wait(60) == 0
    return shown.decode()


def test_tables_on_a_terminal_are_drawn_and_respect_no_color() -> None:
    drawn = _on_a_terminal()
    assert "─" in drawn
    assert "[red]churn[/red]" in drawn
    assert "\x1b[3" not in _on_a_terminal(NO_COLOR="1")


def test_names_stay_whole_on_a_narrow_terminal() -> None:
    name, message = "acme/churn-prediction", "Registering artifact churn version v1.0.0"
    drawn = _on_a_terminal(name, "v1.10.0-rc.1", message, COLUMNS="60").splitlines()
    assert any(name in line and "v1.10.0-rc.1" in line and "Registering" in line for line in drawn)
    assert all(len(line) <= 60 for line in drawn if "\x1b" not in line)
    assert message not in "\n".join(drawn), "it is broken into lines"
    narrow = _on_a_terminal(name, "v1.10.0-rc.1", message, COLUMNS="40").splitlines()
    assert narrow[-1] == f"{name}  v1.10.0-rc.1  {message}", "left to the terminal"
