"""What a benchmark has found: printed as tables, and written as JSON for ``benchmarks.report``."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from typing import Any


@dataclass
class Table:
    """A first column of names and further ones of numbers, all of them as they are shown."""

    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def text(self) -> str:
        """For a terminal: numbers stand below one another."""
        lines = [self.columns, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                [line[0].ljust(widths[0])]
                + [part.rjust(width) for part, width in zip(line[1:], widths[1:], strict=True)]
            ).rstrip()
            for line in lines
        )

    def markdown(self) -> str:
        """For a document."""
        marks = ["---", *("---:" for _ in self.columns[1:])]
        lines = [self.columns, marks, *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass
class Aim:
    """A figure that was promised: at least or at most so much."""

    what: str
    wanted: float
    measured: float
    at_least: bool = True

    @property
    def is_reached(self) -> bool:
        """Whether what was measured is on the right side of what was wanted."""
        if self.at_least:
            return self.measured >= self.wanted
        return self.measured <= self.wanted


@dataclass
class Result:
    """``method`` says how often and on what it was measured; ``numbers`` are plain figures."""

    method: str
    tables: list[Table]
    explanation: str
    numbers: dict[str, Any] = field(default_factory=dict)
    aims: list[Aim] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def publish(self, file: Path | None) -> None:
        """Print it, and write it into ``file``, if there is one."""
        parts = [self.method, *(table.text() for table in self.tables), *self.missing]
        if self.aims:
            parts.append(aims_table(self.aims).text())
        print("\n\n".join([*parts, self.explanation]), flush=True)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(asdict(self) | {"made": _made()}, indent=1) + "\n")


def read(file: Path) -> Result:
    """What ``publish`` has written. Raises OSError, ValueError or KeyError."""
    found = json.loads(file.read_text())
    found["tables"] = [Table(**table) for table in found["tables"]]
    found["aims"] = [Aim(**aim) for aim in found["aims"]]
    made = found.pop("made")
    return Result(**found | {"method": f"{found['method']}; {made}"})


def aims_table(aims: list[Aim]) -> Table:
    """What was promised beside what was measured."""
    return Table(
        ("aim", "wanted", "measured", "reached"),
        [
            (
                aim.what,
                f"at {'least' if aim.at_least else 'most'} {aim.wanted:g}",
                f"{aim.measured:.3g}",
                "yes" if aim.is_reached else "no",
            )
            for aim in aims
        ],
    )


def spread(values: list[float], digits: int) -> str:
    """Where the eight tenths in the middle lie."""
    tenths = quantiles(values, n=10)
    return f"{tenths[0]:.{digits}f}-{tenths[-1]:.{digits}f}"


def ratio(own: list[float], other: list[float]) -> float:
    """The median of what the one was of the other in the same round."""
    return median(one / two for one, two in zip(own, other, strict=True))


def _made() -> str:
    when = datetime.now(UTC).date()
    return (
        f"Python {platform.python_version()}, Django {version('django')}, "
        f"{os.cpu_count()} cores, {when}"
    )
