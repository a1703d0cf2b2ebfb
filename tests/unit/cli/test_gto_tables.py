"""The tables of gto, as its ``tabulate`` draws them."""

from __future__ import annotations

from typing import Any

from modelkeep.cli.gto_tables import plain_artifacts, plain_versions

COMMIT = "c18c4370a0f9f1a9e1c2b3d4e5f60718293a4b5c"


def artifact(version: str | None, **stage: str | None) -> dict[str, Any]:
    return {"version": version, "stage": stage, "registered": version is not None, "active": True}


def test_artifacts() -> None:
    shown = {
        "m": artifact("v1.0.0", dev=None, prod="v1.0.0, v0.9.0"),
        "bare": artifact(None, dev=None, prod=COMMIT),
    }
    assert plain_artifacts(shown) == [
        "name    latest    #dev    #prod",
        "*bare   -         -       c18c437",
        "m       v1.0.0    -       v1.0.0, v0.9.0",
    ]
    assert plain_artifacts({}) == []


def test_versions() -> None:
    held: dict[str, Any] = {"artifact": "m", "created_at": "2026-03-01T09:00:00+01:00"}
    shown = [
        held | {"version": "v1.0.0", "stages": [{"stage": "prod"}, {"stage": "dev"}], "ref": "m@v1.0.0"},
        held | {"version": COMMIT, "stages": [], "ref": COMMIT},
    ]
    assert plain_versions(shown, is_registered=False) == [
        "artifact    version    stage      created_at                 ref",
        "*m          v1.0.0     prod, dev  2026-03-01 09:00:00+01:00  m@v1.0.0",
        "*m          c18c437               2026-03-01 09:00:00+01:00  c18c437",
    ]
    assert plain_versions([], is_registered=True) == []
