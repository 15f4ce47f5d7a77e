"""Brings docs/performance.md up to date with the last run: ``python -m benchmarks.report``.

Reads what ``make bench`` has left in var/bench. In the document each table stands between two
comments, ``<!-- sockets -->`` and ``<!-- end of sockets -->``; all other text stays as it is.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.charts import Bar, bars
from benchmarks.results import Result, aims_table, read

ROOT = Path(__file__).resolve().parent.parent
NAMES = (
    "instructions",
    "decision",
    "in-process",
    "sockets",
    "link-rules",
    "tenants",
    "spreading",
)


def main() -> None:
    arguments = _arguments()
    text = arguments.document.read_text()
    for name in NAMES:
        try:
            result = read(arguments.results / f"{name}.json")
            text = replaced(text, name, markdown(result))
        except (OSError, ValueError, KeyError, TypeError) as error:
            print(f"{name} stays as it is: {error}", file=sys.stderr)
            continue
        for chart, drawing in charts(name, result).items():
            (arguments.document.parent / f"performance-{chart}.svg").write_text(drawing)
        print(f"{name} is up to date.")
    arguments.document.write_text(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Bring docs/performance.md up to date.")
    parser.add_argument("--results", type=Path, default=ROOT / "var" / "bench")
    parser.add_argument("--document", type=Path, default=ROOT / "docs" / "performance.md")
    return parser.parse_args()


def replaced(text: str, name: str, own: str) -> str:
    """``text`` with ``own`` between the comments of ``name``. Raises ValueError without them."""
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    if text.count(start) != 1 or text.count(end) != 1:
        raise ValueError(f"the document has no comments {start.strip()} and {end.strip()}")
    before, _, rest = text.partition(start)
    return f"{before}{start}\n{own}\n\n{end}{rest.partition(end)[2]}"


def markdown(result: Result) -> str:
    """Method, tables, aims and what they mean."""
    parts = [f"{result.method}.", *(table.markdown() for table in result.tables)]
    if result.aims:
        parts.append(aims_table(result.aims).markdown())
    return "\n\n".join([*parts, *result.missing, result.explanation])


def charts(name: str, result: Result) -> dict[str, str]:
    """The charts of a result, as SVG by their name."""
    if name == "in-process":
        return {
            "redirect": bars(
                "A redirect in process, as a multiple of a bare Django view (logarithmic)",
                [
                    Bar(row["name"], row["times"], row["name"].startswith("our "))
                    for row in result.numbers["requests"]
                ],
            )
        }
    if name == "sockets":
        return {
            "sockets": bars(
                "Requests a second over a socket, one core (logarithmic)",
                [Bar(name, row["rate"], "our " in name) for name, row in result.numbers.items()],
            )
        }
    return {}


if __name__ == "__main__":
    main()
