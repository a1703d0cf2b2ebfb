"""Which paths the rules of a ``.gitignore`` leave out, as Git itself reads them (gitignore(5))."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from modelkeep.git.paths import check_readable
from modelkeep.git.process import run

RULES_LIMIT = 1 << 20
"""The longest rules that are read, in bytes."""


def ignored(git_dir: Path, rules: bytes, paths: Iterable[str]) -> frozenset[str]:
    """Those of the paths that ``rules``, as the ``.gitignore`` of the root directory, leave out; none need exist.

    Raises:
        InvalidInput: A path cannot be one.
        Unavailable: Git failed.
    """
    wanted = {check_readable(path).encode("utf-8", "surrogatepass"): path for path in paths}
    if not wanted or not rules.strip():
        return frozenset()
    with tempfile.TemporaryDirectory(prefix="modelkeep-") as folder:
        (Path(folder) / ".gitignore").write_bytes(rules)
        found = run(
            ["-C", folder, f"--work-tree={folder}", "check-ignore", "--no-index", "-z", "--stdin"],
            git_dir=git_dir.resolve(),
            input=b"".join(path + b"\0" for path in wanted),
            codes=(0, 1),
        )
    return frozenset(wanted[path] for path in found.split(b"\0") if path in wanted)
