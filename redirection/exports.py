"""Tables as files, line by line: CSV for spreadsheets, JSON lines for programs.

Columns and values are the same in every language of the page.
"""

from __future__ import annotations

import csv
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import Any

from django.db.models import QuerySet

# Rows fetched at once; the rest stays in the store.
CHUNK = 500
# A file longer than this is on disk (bytes).
IN_MEMORY = 1_000_000
# At a time and process: each keeps a thread of the server until somebody has read it.
MOST_FILES = 2
# What spreadsheets take for a formula (OWASP, "CSV Injection"), also behind a semicolon, which
# is what separates cells where a comma is part of numbers.
_FORMULA = re.compile(r"(^|;)(?=[\t\r\n]|\s*[=+\-@\uff0b\uff0d\uff1d\uff20])")


_places = threading.BoundedSemaphore(MOST_FILES)


class TooManyFiles(Exception):
    """As many exports as there may be at a time are being written or read."""


class ExportFile(SpooledTemporaryFile[bytes]):
    """A whole export, in memory or on disk; it has its place among others until it is closed."""

    def close(self) -> None:
        if not self.closed:
            super().close()
            _places.release()


def file_of(lines: Iterable[str]) -> ExportFile:
    """A file of ``lines`` in UTF-8, to be closed by the caller.

    Raises TooManyFiles at once, and DatabaseError where the store fails on the way: an answer
    that has begun could not say so any more.
    """
    if not _places.acquire(blocking=False):
        raise TooManyFiles
    file = ExportFile(IN_MEMORY)
    try:
        for line in lines:
            file.write(line.encode())
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


@dataclass(frozen=True)
class Table:
    """What a file holds: the names of its columns, and a row of values for each object.

    ``rows`` reads the objects piece by piece, CHUNK at once.
    """

    columns: tuple[str, ...]
    rows: Callable[[QuerySet[Any]], Iterator[tuple[Any, ...]]]

    def csv_lines(self, objects: QuerySet[Any]) -> Iterator[str]:
        """The objects as CSV (RFC 4180) with a header.

        It begins with a byte order mark: spreadsheets read names in UTF-8 as nonsense without
        one. Programs that mind it take JSON lines.
        """
        line: Callable[[tuple[Any, ...]], str] = csv.writer(_Echo()).writerow
        yield "\ufeff" + line(self.columns)
        for row in self.rows(objects):
            yield line(tuple(map(_defused, row)))

    def json_lines(self, objects: QuerySet[Any]) -> Iterator[str]:
        """The objects as JSON, one a line, with the values as they are stored."""
        for row in self.rows(objects):
            yield json.dumps(dict(zip(self.columns, row, strict=True)), ensure_ascii=False) + "\n"

    def lines(self, objects: QuerySet[Any], format_: str) -> Iterator[str]:
        """The objects in one of FORMATS."""
        return {"csv": self.csv_lines, "jsonl": self.json_lines}[format_](objects)


# By the name of the format, which is that of the file as well: its media type.
FORMATS = {
    "csv": "text/csv; charset=utf-8; header=present",
    "jsonl": "application/jsonl; charset=utf-8",
}


def utc(at: datetime) -> str:
    """``at`` (aware) as it stands in files: ISO 8601, UTC, with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _defused(value: Any) -> Any:
    """``value`` as a cell that no spreadsheet runs: an apostrophe makes it text."""
    return _FORMULA.sub(r"\1'", value) if isinstance(value, str) else value
