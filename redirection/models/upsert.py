"""Insert rows, or change those that are there: what the ORM cannot say in one statement.

``bulk_create`` puts a value in the place of the stored one; counting has to add to it. SQLite
and PostgreSQL understand the same words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections, models, router

# PostgreSQL takes 65,535 values a statement; more than some thousand gain nothing.
_MOST_VALUES = 10_000


def upsert(
    model: type[models.Model],
    fields: Sequence[str],
    key: Sequence[str],
    changes: Mapping[str, str],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Insert ``rows``, values in the order of ``fields``, with as few statements as possible.

    Where a row with the same ``key`` fields, a unique constraint, is there already, each field
    in ``changes`` becomes an SQL expression of ``{stored}`` and ``{new}``. Rows are locked in
    the order given. Raises DatabaseError.
    """
    connection = connections[router.db_for_write(model)]
    quoted = connection.ops.quote_name
    options = model._meta  # noqa: SLF001  (documented: the Model._meta API)
    by_name = {field.name: field for field in options.concrete_fields}
    described = [by_name[name] for name in fields]
    column = {field.name: quoted(str(field.column)) for field in described}
    table = quoted(options.db_table)
    sets = ", ".join(
        f"{column[name]} = "
        + words.format(stored=f"{table}.{column[name]}", new=f"excluded.{column[name]}")
        for name, words in changes.items()
    )
    # Names of the model's own columns and nothing else: values are parameters.
    head = f"INSERT INTO {table} ({', '.join(column.values())}) VALUES "  # noqa: S608
    tail = f" ON CONFLICT ({', '.join(column[name] for name in key)}) DO UPDATE SET {sets}"
    places = f"({', '.join(['%s'] * len(fields))})"
    most = min(connection.features.max_query_params or _MOST_VALUES, _MOST_VALUES)
    size = most // len(fields)
    with connection.cursor() as cursor:
        for begin in range(0, len(rows), size):
            chunk = rows[begin : begin + size]
            values = [
                field.get_db_prep_save(value, connection)
                for row in chunk
                for field, value in zip(described, row, strict=True)
            ]
            cursor.execute(head + ", ".join([places] * len(chunk)) + tail, values)
