"""Every setting stands in the reference, by the name of its environment variable."""

from __future__ import annotations

from pydantic_settings import BaseSettings

from modelkeep import settings
from tests.architecture.tree import ROOT

REFERENCE = ROOT / "docs" / "reference" / "settings.md"


def environment_variables() -> list[str]:
    groups = [
        group
        for group in vars(settings).values()
        if isinstance(group, type) and issubclass(group, BaseSettings) and group is not BaseSettings
    ]
    return [
        f"{group.model_config['env_prefix']}{name}".upper() for group in groups for name in group.model_fields
    ]


def test_every_setting_is_documented() -> None:
    variables = environment_variables()
    assert variables
    text = REFERENCE.read_text(encoding="utf-8")
    missing = [name for name in variables if f"`{name}`" not in text]
    assert not missing, f"{REFERENCE.name} does not describe {', '.join(missing)}"


def test_every_documented_setting_exists() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    rows = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `MODELKEEP_")]
    assert rows, f"{REFERENCE.name} has a table whose rows begin with the variable's name"
    assert not set(rows) - set(environment_variables())
