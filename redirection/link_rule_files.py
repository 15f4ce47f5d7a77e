"""Deep link rules as CSV (RFC 4180): written for spreadsheets, read back to the same rules."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from redirection.link_rules import LinkRule, normal_source
from redirection.rule_problems import Code, Problem

COLUMNS = (
    "kind", "source", "part", "target", "query", "counterpart", "cloud", "enabled", "note",
)  # fmt: skip
REQUIRED = ("source", "target")
LARGEST_FILE = 20_000_000
MOST_LINES = 200_000
MOST_PROBLEMS = 10_000

_YES = frozenset({"yes", "true", "on", "1", ""})
_NO = frozenset({"no", "false", "off", "0"})
_DEFAULTS = {"kind": "exact", "part": "any", "counterpart": "exact"}
# What spreadsheets take for a formula (OWASP, "CSV Injection"), also behind a semicolon. An
# apostrophe makes it text; one more where it begins with apostrophes already, so that what was
# written can be told from what was added.
_FORMULA = r"'*(?:[\t\r\n]|\s*[=+\-@\uff0b\uff0d\uff1d\uff20])"
_DEFUSE = re.compile(rf"(^|;)(?={_FORMULA})")
_RESTORE = re.compile(rf"(^|;)'(?={_FORMULA})")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(rules: Iterable[LinkRule]) -> Iterator[str]:
    """The rules as CSV with a header and a byte order mark, without which spreadsheets read
    letters in UTF-8 as nonsense."""
    line: Callable[[Iterable[Any]], str] = csv.writer(_Echo()).writerow
    yield "\ufeff" + line(COLUMNS)
    for rule in rules:
        cells = [getattr(rule, column) for column in COLUMNS]
        cells[COLUMNS.index("enabled")] = "yes" if rule.enabled else "no"
        yield line(_DEFUSE.sub(r"\1'", str(cell)) for cell in cells)


def decoded(content: bytes) -> tuple[str, list[Problem]]:
    """The text of a file in UTF-8, with or without byte order mark, or what is wrong with it."""
    if len(content) > LARGEST_FILE:
        return "", [Problem(Code.TOO_LARGE, value=str(LARGEST_FILE // 1_000_000))]
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return "", [Problem(Code.NOT_UTF8, line=line)]


def read_rules(text: str) -> tuple[list[LinkRule], list[Problem]]:
    """The rules of a file, each with its line, and what is wrong with lines as such.

    The first line names the columns, in any order; ``source`` and ``target`` are required.
    Empty lines are skipped. Cells may be separated by semicolons, as some spreadsheets do.
    """
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rules: list[LinkRule] = []
    found: list[Problem] = []
    columns: list[str] = []
    line = 1
    lines = 0
    try:
        for cells in reader:
            lines += bool(cells and columns)
            if lines > MOST_LINES:
                return [], [Problem(Code.TOO_MANY_RULES, line=line, value=str(MOST_LINES))]
            if not columns:
                columns = [cell.strip().lower() for cell in cells]
                found += _wrong_columns(columns)
                if found:
                    return [], found
            elif len(cells) > len(columns):
                found.append(Problem(Code.CELLS, line=line))
            elif any(map(str.strip, cells)):
                rule = _rule(dict(zip(columns, cells, strict=False)), line)
                found += _wrong_enabled(rule)
                rules.append(rule[0])
            if len(found) >= MOST_PROBLEMS:
                break
            line = reader.line_num + 1
    except csv.Error as error:
        found.append(Problem(Code.NOT_CSV, line=line, value=str(error)))
    if not columns:
        found.append(Problem(Code.EMPTY, line=1))
    return rules, found


def _wrong_columns(columns: list[str]) -> list[Problem]:
    if len(columns) > 2 * len(COLUMNS):
        return [Problem(Code.TOO_MANY_COLUMNS, line=1, value=str(len(COLUMNS)))]
    unknown = [name for name in columns if name not in COLUMNS]
    missing = [name for name in REQUIRED if name not in columns]
    twice = sorted({name for name in columns if columns.count(name) > 1} - {*unknown})
    return [
        *(Problem(Code.COLUMN_UNKNOWN, line=1, value=name) for name in unknown),
        *(Problem(Code.COLUMN_MISSING, line=1, value=name) for name in missing),
        *(Problem(Code.COLUMN_TWICE, line=1, value=name) for name in twice),
    ]


def _rule(cells: dict[str, str], line: int) -> tuple[LinkRule, str]:
    """The rule on a line, and the word it has for ``enabled``."""
    values = {name: _restored(cells.get(name, "").strip()) for name in COLUMNS}
    enabled = values.pop("enabled").lower()
    for name, default in _DEFAULTS.items():
        values[name] = values[name].lower() or default
    values["source"] = normal_source(values["kind"], values["source"])
    return LinkRule(number=0, line=line, enabled=enabled not in _NO, **values), enabled


def _restored(cell: str) -> str:
    return _RESTORE.sub(r"\1", cell) if "'" in cell else cell


def _wrong_enabled(rule: tuple[LinkRule, str]) -> list[Problem]:
    if rule[1] in _YES | _NO:
        return []
    return [Problem(Code.UNKNOWN_WORD, line=rule[0].line, field="enabled", value=rule[1])]
