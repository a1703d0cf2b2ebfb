"""The tutorial's commands are those of the demonstration, which are run; so the page cannot rot unnoticed."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorials" / "first-model.md"
STORY = ROOT / "demo" / "story.py"
VALUES = {
    "self.url": "http://127.0.0.1:8000",
    "data": "var/data",
    "self.megabytes": "200",
    "repo": "acme/iris",
    "folder": "fresh-iris",
}
NOT_IN_THE_STORY = ("make serve", "export PATH")
PROMPT = re.compile(r"^(?P<place>modelkeep|~(?:/[\w-]+)?)\$ (?P<command>.+)$", re.MULTILINE)


def commands_of_the_story() -> list[str]:
    """What is typed in demo/story.py, with the values that the tutorial uses filled in."""
    found = []
    for call in ast.walk(ast.parse(STORY.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "types":
            found += filled_in(call.args[0])
    return found


def filled_in(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    assert isinstance(node, ast.JoinedStr)
    text = ""
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            text += VALUES.get(ast.unparse(part.value), "*")
        else:
            assert isinstance(part, ast.Constant)
            text += str(part.value)
    return [text]


def test_every_command_of_the_tutorial_is_run_by_the_demonstration() -> None:
    # The demonstration's owner is ada, a first start's is admin.
    told = [command.replace("ada:owner", "admin:owner") for command in commands_of_the_story()]
    patterns = [re.compile(re.escape(command).replace(r"\*", ".+")) for command in told]
    commands = [match["command"] for match in PROMPT.finditer(TUTORIAL.read_text(encoding="utf-8"))]
    assert len(commands) > 20

    strange = [
        command
        for command in commands
        if not command.startswith(NOT_IN_THE_STORY)
        and not any(pattern.fullmatch(command) for pattern in patterns)
    ]
    assert not strange, f"{TUTORIAL.name} has commands that {STORY.name} does not run"


def test_the_commands_can_be_typed_into_a_shell() -> None:
    text = TUTORIAL.read_text(encoding="utf-8")
    assert all(shlex.split(match["command"]) for match in PROMPT.finditer(text))
