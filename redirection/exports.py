"""The history as a file, line by line: CSV for spreadsheets, JSON lines for programs.

Columns and values are the same in every language of the page.
"""

from __future__ import annotations

import csv
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from tempfile import SpooledTemporaryFile
from typing import Any

from django.db.models import QuerySet

from redirection.models import Change
from redirection.standings import object_id_of

COLUMNS = (
    "revision",
    "time",
    "who",
    "account",
    "what",
    "from",
    "to",
    "reason_kind",
    "reason",
    "channel",
)
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


def csv_lines(changes: QuerySet[Change]) -> Iterator[str]:
    """The changes as CSV (RFC 4180) with a header.

    It begins with a byte order mark: spreadsheets read names in UTF-8 as nonsense without one.
    Programs that mind it take JSON lines.
    """
    line: Callable[[tuple[Any, ...]], str] = csv.writer(_Echo()).writerow
    yield "\ufeff" + line(COLUMNS)
    for row in _rows(changes):
        yield line(tuple(map(_defused, row)))


def json_lines(changes: QuerySet[Change]) -> Iterator[str]:
    """The changes as JSON, an object a line, with the values as they are stored."""
    for row in _rows(changes):
        yield json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) + "\n"


Lines = Callable[[QuerySet[Change]], Iterator[str]]
# By the name of the format, which is that of the file as well: media type and lines.
FORMATS: dict[str, tuple[str, Lines]] = {
    "csv": ("text/csv; charset=utf-8; header=present", csv_lines),
    "jsonl": ("application/jsonl; charset=utf-8", json_lines),
}


def _rows(changes: QuerySet[Change]) -> Iterator[tuple[Any, ...]]:
    for change in changes.select_related("author").iterator(chunk_size=CHUNK):
        yield (
            change.revision,
            change.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            change.author_name,
            object_id_of(change.author) if change.author else "",
            change.what,
            change.before,
            change.after,
            change.reason_kind,
            change.reason,
            change.channel,
        )


def _defused(value: Any) -> Any:
    """``value`` as a cell that no spreadsheet runs: an apostrophe makes it text."""
    return _FORMULA.sub(r"\1'", value) if isinstance(value, str) else value
