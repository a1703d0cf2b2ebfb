"""Times two sides in turn, A B A B, so that whatever else the machine does falls on both."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

Side = Callable[[int], float]
"""Does its work in round N and says how many seconds that took."""


@dataclass(frozen=True)
class Samples:
    """Seconds of each round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        return f"{_shown(self.median)} ({_shown(min(self.seconds))}-{_shown(max(self.seconds))})"


@dataclass(frozen=True)
class Comparison:
    """The hub beside something else that does the same.

    Attributes:
        name: What was done.
        peer_name: Who else did it.
        hub: The hub's times.
        peer: The other's times.
        basis: ``speed`` has a ratio of speeds, which aims high; ``time`` has one of times, which aims low.
        aim: The ratio to reach; None where it is only good to know.
    """

    name: str
    peer_name: str
    hub: Samples
    peer: Samples
    basis: Literal["speed", "time"]
    aim: float | None = None

    @property
    def ratio(self) -> float:
        hub, peer = self.hub.median, self.peer.median
        return peer / hub if self.basis == "speed" else hub / peer

    @property
    def is_met(self) -> bool | None:
        if self.aim is None:
            return None
        return self.ratio >= self.aim if self.basis == "speed" else self.ratio <= self.aim

    def cells(self) -> list[str]:
        sign = ">=" if self.basis == "speed" else "<="
        aim = self.basis if self.aim is None else f"{self.basis} {sign} {self.aim:.2f}"
        return [
            self.name,
            str(self.hub),
            f"{self.peer_name}: {self.peer}",
            f"{self.ratio:.2f}" if self.ratio >= 0.1 else f"{self.ratio:.4f}",
            aim,
            _met(self),
        ]

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "peer": self.peer_name,
            "hub_seconds": self.hub.seconds,
            "peer_seconds": self.peer.seconds,
            "basis": self.basis,
            "ratio": round(self.ratio, 4),
            "aim": self.aim,
            "met": self.is_met,
        }


@dataclass(frozen=True)
class Figure:
    """A measure of the hub alone that must stay below a limit."""

    name: str
    value: float
    limit: float
    unit: str

    @property
    def is_met(self) -> bool:
        return self.value < self.limit

    def cells(self) -> list[str]:
        return [
            self.name,
            f"{self.value:.1f} {self.unit}",
            "",
            "",
            f"< {self.limit:g} {self.unit}",
            _met(self),
        ]

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "value": round(self.value, 2),
            "unit": self.unit,
            "limit": self.limit,
            "met": self.is_met,
        }


Result = Comparison | Figure


def alternate(sides: Mapping[str, Side], rounds: int, *, warm_ups: int = 1) -> dict[str, Samples]:
    """Runs the sides in turn; the first rounds warm caches on both and do not count."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(-warm_ups, rounds):
        for name, side in sides.items():
            took = side(number)
            if number >= 0:
                seconds[name].append(took)
    return {name: Samples(tuple(values)) for name, values in seconds.items()}


class Stopwatch:
    """Holds the time that a ``timed`` block took."""

    seconds = 0.0


@contextmanager
def timed(*, settle: bool = True) -> Iterator[Stopwatch]:
    """Times the block; before that lets the disk finish what earlier work left to write."""
    watch = Stopwatch()
    if settle:
        os.sync()
    started = time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - started


def _shown(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _met(result: Result) -> str:
    return {True: "met", False: "NOT MET", None: ""}[result.is_met]
