"""The history as a file: what stands in it of each change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from redirection.exports import CHUNK, Table, utc
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


def _rows(changes: QuerySet[Change]) -> Iterator[tuple[Any, ...]]:
    for change in changes.select_related("author").iterator(chunk_size=CHUNK):
        yield (
            change.revision,
            utc(change.at),
            change.author_name,
            object_id_of(change.author) if change.author else "",
            change.what,
            change.before,
            change.after,
            change.reason_kind,
            change.reason,
            change.channel,
        )


HISTORY = Table(COLUMNS, _rows)
