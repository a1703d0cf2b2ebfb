"""Describes the machine, so that a figure can be read later."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import subprocess
from pathlib import Path


def describe() -> dict[str, str]:
    """Cores, load, memory and the versions of what takes part."""
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores, load {load}",
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "tools": ", ".join(
            _first_words(command)
            for command in (["git", "--version"], ["git-lfs", "--version"], ["nginx", "-v"])
        ),
    }


def processor_seconds(pid: int) -> float:
    """What a process has spent on the processor so far, with its threads and the children that it has waited for.

    Its own time is exact; that of children is in ticks of the system, 10 ms.
    """
    own = sum(
        int(_lines(str(task / "schedstat"))[0].split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()
    )
    # The name of the program, in brackets, may hold blanks.
    fields = _lines(f"/proc/{pid}/stat")[0].rpartition(")")[2].split()
    children = int(fields[13]) + int(fields[14])
    return own / 1e9 + children / os.sysconf("SC_CLK_TCK")


def processor_seconds_of_children() -> float:
    """What the children of this process that have ended have spent on the processor, with theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _processor() -> str:
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> str:
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemTotal:"):
            return f"{int(line.split()[1]) / 1024 / 1024:.0f} GiB"
    return "unknown"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _first_words(command: list[str]) -> str:
    search = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
    program = shutil.which(command[0], path=search)
    if program is None:
        return f"no {command[0]}"
    done = subprocess.run([program, *command[1:]], check=False, capture_output=True, text=True, timeout=10)
    return (done.stdout + done.stderr).strip().splitlines()[0].split(" (")[0]
