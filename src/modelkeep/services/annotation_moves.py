"""Whether a branch's move can have changed what it says about artifacts, without reading what it says."""

from __future__ import annotations

from pathlib import Path

from modelkeep.domain.artifacts import ARTIFACTS_FILE, DVC_FILE
from modelkeep.domain.errors import ModelkeepError
from modelkeep.domain.objects import RefUpdate
from modelkeep.git import incoming

_TRACKED = ".dvc"
_FEW_PATHS = 1000


def may_say_otherwise(git_dir: Path, moved: RefUpdate) -> bool:
    """Whether a file that annotations come from differs; also true where that would take long to find out."""
    if moved.is_create or moved.is_delete:
        return True
    try:
        changed = incoming.changed_paths(git_dir, None, moved.old, moved.new, _FEW_PATHS)
    except ModelkeepError:
        return True
    return any(
        part in (ARTIFACTS_FILE, DVC_FILE) or part.endswith(_TRACKED)
        for path in changed
        for part in path.split("/")
    )
