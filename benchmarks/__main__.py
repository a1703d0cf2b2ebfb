"""``python -m benchmarks``: measures and prints a table.

python -m benchmarks                 everything: two hours, 40 GB of disk in var/bench for a while
python -m benchmarks downloads git   some
python -m benchmarks --quick         small sizes, to see that it works; the ratios mean little
python -m benchmarks --document      and puts the results into docs/reference/performance.md
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    downloads,
    hub_transfers,
    indexing,
    lfs,
    machine,
    memory,
    registry_commands,
    registry_pages,
    report,
    smart_http,
    tag_pushes,
    uploads,
)
from benchmarks.measure import Result
from benchmarks.processes import Missing
from benchmarks.workshop import QUICK, Sizes, Workshop

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "performance.md"
BENCHMARKS: dict[str, Callable[[Workshop], list[Result]]] = {
    "downloads": downloads.run,
    "uploads": uploads.run,
    "lfs-large": lfs.run_large,
    "lfs-small": lfs.run_small,
    "git": smart_http.run,
    "index": indexing.run,
    "memory": memory.run,
    "tag-push": tag_pushes.run,
    "commands": registry_commands.run,
    "pages": registry_pages.run,
    "hub-large": hub_transfers.run_large,
    "hub-small": hub_transfers.run_small,
}


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    sizes = QUICK if options.quick else Sizes()
    described = machine.describe()
    for key, value in described.items():
        print(f"{key + ':':11}{value}", file=sys.stderr)
    results: list[Result] = []
    failed = False
    for name in options.name or BENCHMARKS:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            results += _run(BENCHMARKS[name], sizes)
        except Missing as missing:
            print(f"{name} left out: {missing}", file=sys.stderr)
            failed = True
        except Exception as error:  # the others are still worth having
            print(f"{name} failed: {error}", file=sys.stderr)
            failed = True
    print(report.as_json(described, results) if options.json else report.table(results))
    if options.document:
        report.document(PAGE, described, results, is_quick=options.quick)
    return 1 if failed else 0


def _run(benchmark: Callable[[Workshop], list[Result]], sizes: Sizes) -> list[Result]:
    """Runs it in a folder of its own that is gone afterwards."""
    below = ROOT / "var" / "bench"
    below.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=below))
    try:
        return benchmark(Workshop(folder, sizes))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measures the hub against peers."
    )
    parser.add_argument("name", nargs="*", choices=[*BENCHMARKS, []], help=f"which: {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--document", action="store_true", help=f"put the results into {PAGE.relative_to(ROOT)}"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
