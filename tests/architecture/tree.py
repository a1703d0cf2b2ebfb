"""The files that belong to the project, for tests that look at all of them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "modelkeep"


@cache
def project_files() -> tuple[Path, ...]:
    """Tracked files and new ones that are not ignored, deleted ones left out."""
    git = ["git", "-c", "safe.directory=*", "-C", str(ROOT)]
    listing = subprocess.run(
        [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        timeout=60,
    ).stdout
    names = sorted(name for name in listing.decode().split("\0") if name)
    files = tuple(ROOT / name for name in names if (ROOT / name).is_file())
    if ROOT / "pyproject.toml" not in files:
        raise AssertionError(f"git ls-files in {ROOT} does not list this project")
    return files


def python_files() -> tuple[Path, ...]:
    """The Python modules among them."""
    return tuple(path for path in project_files() if path.suffix == ".py")


def name_of(path: Path) -> str:
    """The path as people write it, from the root of the project."""
    return path.relative_to(ROOT).as_posix()
