"""Who installs the client alone gets a client that works: the server's dependencies are not needed for it."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from modelkeep.cli.catalogue import COMMANDS
from tests.architecture.tree import SRC, name_of

SDK_MAY_IMPORT = sys.stdlib_module_names | {"httpx", "modelkeep"}

# Refuses to import what only the extra "server" brings, then imports the module named by the argument.
WITHOUT_SERVER = """
import importlib, sys

SERVER_ONLY = set(sys.argv[2:])

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in SERVER_ONLY:
            raise ModuleNotFoundError(f"{name} is not among the client's dependencies", name=name)

sys.meta_path.insert(0, Refuse())
importlib.import_module(sys.argv[1])
"""
SERVER_ONLY = [
    "alembic",
    "argon2",
    "cryptography",
    "dbos",
    "fastapi",
    "granian",
    "jsonschema",
    "prometheus_client",
    "psycopg",
    "pydantic",
    "pydantic_settings",
    "pygit2",
    "ruamel",
    "sqlalchemy",
    "starlette",
    "structlog",
    "yaml",
]


def import_without_server(module: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_SERVER, module, *SERVER_ONLY]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


CLIENT_COMMANDS = sorted(
    {place.partition(":")[0] for words, (place, _) in COMMANDS.items() if not words.startswith("admin")}
)


@pytest.mark.parametrize(
    "module", ["modelkeep.sdk.hub", "modelkeep.sdk.notebook", "modelkeep.cli.main", "modelkeep.cli.app"]
)
def test_the_client_imports_without_the_server_extra(module: str) -> None:
    done = import_without_server(module)
    assert done.returncode == 0, done.stderr


def test_every_commands_module_is_imported_without_the_server_extra() -> None:
    modules = "".join(f"import modelkeep.cli.{module}\n" for module in CLIENT_COMMANDS)
    program = WITHOUT_SERVER.replace("importlib.import_module(sys.argv[1])", modules)
    done = subprocess.run([sys.executable, "-c", program, "", *SERVER_ONLY], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [["serve"], ["reindex"], ["admin", "user", "list"]])
def test_the_hubs_own_commands_say_what_to_install(words: list[str]) -> None:
    run = f"sys.argv = ['modelkeep', *{words!r}]\nfrom modelkeep.cli.main import main\nmain()"
    program = WITHOUT_SERVER.replace("importlib.import_module(sys.argv[1])", run)
    missing = [
        name for name in SERVER_ONLY if name != "pydantic"
    ]  # typer brings it and loads it to run a command
    done = subprocess.run([sys.executable, "-c", program, "", *missing], capture_output=True, text=True)
    assert done.returncode == 1
    assert "pip install 'modelkeep[server]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_refusal_refuses() -> None:
    done = import_without_server("pydantic")
    assert done.returncode == 1
    assert "not among the client's dependencies" in done.stderr


def test_the_sdk_imports_httpx_and_the_standard_library_only() -> None:
    modules = sorted((SRC / "sdk").rglob("*.py"))
    assert modules, "there is no SDK"
    strangers = [
        f"{name_of(path)}: {name}"
        for path in modules
        for node in ast.walk(ast.parse(path.read_bytes()))
        for name in _imported(node)
        if name.partition(".")[0] not in SDK_MAY_IMPORT
    ]
    assert not strangers


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []
