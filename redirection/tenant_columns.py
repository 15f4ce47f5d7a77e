"""Reads all tenants from the store at once, however many: a million in some seconds.

Row by row that would take a minute of this process, and each row would ask for the interpreter,
which requests need. SQLite and PostgreSQL put some thousand rows together themselves: then one
answer holds them all, and the work is theirs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from itertools import chain, product
from typing import Any, cast

from django.db import connection

from redirection.conf import conf
from redirection.decisions import Setting, Stage, redirection_is_on
from redirection.held_tenants import HeldTenants
from redirection.models.tenants import Tenant
from redirection.packed_tenants import Kind, PackedTenants

# Fewer are not worth it: each is an object as it is.
PACK_FROM = 5_000
# Tenants put together in one answer; what is done with it holds up nobody for long.
_ROWS = 5_000
# Seconds in which a thread has begun a query.
_HEAD_START = 0.0005

# In words of the store: records as ``PackedTenants.add_all`` takes them, on SQLite in hexadecimal
# digits, with whole milliseconds, and many texts as one. A doubled % is one.
_SQLITE = """
SELECT group_concat(printf('%%s%%012x%%012x%%012x%%04x', tid, {since}, revision,
    coalesce({step_back_since}, 0), {kind}), ''),
    group_concat(replace(name, char(10), ' '), char(10))
"""
# Half a day and 2,440,587 days lie before 1970; strftime() takes longer to say the same.
_SQLITE_MOMENT = """
max(0, CAST(round(julianday(substr({0}, 1, 19)) * 86400 - 210866760000) AS INTEGER) * 1000
    + substr({0}, 21, 3))
"""
_POSTGRESQL = """
SELECT string_agg(uuid_send(tid) || substring(int8send({since}) FROM 3)
    || substring(int8send(revision) FROM 3) || substring(int8send({step_back_since}) FROM 3)
    || substring(int4send({kind}) FROM 3), ''),
    string_agg(replace(name, chr(10), ' '), chr(10))
"""
# Cut off first: a fraction of a second is not exact here.
_POSTGRESQL_MOMENT = """
greatest(0, date_part('epoch', date_trunc('milliseconds', {0})) * 1000)::bigint
"""
_TOGETHER = {
    "sqlite": (_SQLITE, _SQLITE_MOMENT),
    "postgresql": (_POSTGRESQL, _POSTGRESQL_MOMENT),
}
# Some by their numbers: a query of so many in order copies each row once more.
_LAST = """
SELECT max(id) FROM (SELECT id FROM redirection_tenant WHERE id > %s ORDER BY id LIMIT %s) AS part
"""
_SOME = "FROM redirection_tenant WHERE id > %s AND id <= %s AND enabled"


def read_tenants() -> HeldTenants:
    """All enabled tenants. Raises DatabaseError.

    Those changed meanwhile may be in it as they were or as they are now.
    """
    rows = Tenant.objects.filter(enabled=True).order_by()
    count = rows.count()
    if count < PACK_FROM:
        return HeldTenants.of(row.as_held() for row in rows.iterator())
    # Some may be added meanwhile.
    most = count + count // 16 + 1000
    if connection.vendor in _TOGETHER:
        return HeldTenants(_read_together(most))
    packed = PackedTenants(most)
    for row in rows.iterator():
        packed.add(row.as_held())
    return HeldTenants(packed)


def _read_together(most: int) -> PackedTenants:
    columns: dict[str, list[str]] = {
        "cloud": list(conf().clouds),
        "stage": list(map(str, Stage)),
        "setting": list(map(str, Setting)),
    }
    # Numbered as in the query. Any other value is as good as none: such a cloud has no destination.
    combinations = product(*([*values, ""] for values in columns.values()))
    packed = PackedTenants(
        most,
        (
            Kind(cloud, redirection_is_on(stage, setting), steps_back)
            for cloud, stage, setting in combinations
            for steps_back in (False, True)
        ),
    )
    kind = "0"
    for column, values in columns.items():
        cases = "".join(f" WHEN %s THEN {number}" for number in range(len(values)))
        kind = f"({kind}) * {len(values) + 1} + CASE {column}{cases} ELSE {len(values)} END"
    kind = f"({kind}) * 2 + CASE WHEN allow_step_back THEN 1 ELSE 0 END"
    select, moment = _TOGETHER[connection.vendor]
    since, step_back_since = moment.format("since"), moment.format("step_back_since")
    query = select.format(since=since, step_back_since=step_back_since, kind=kind) + _SOME
    parameters = [*chain(*columns.values())]
    with connection.cursor() as cursor:

        def end_after(start: int | None) -> int | None:
            cursor.execute(_LAST, [start, _ROWS])
            return cast("int | None", cursor.fetchone()[0])

        def some(start: int, last: int | None) -> Any:
            # The long query first: a short one would wait until those before are packed.
            cursor.execute(query, [*parameters, start, last])
            return (*cursor.fetchone(), end_after(last))

        last = end_after(0)
        coming = _ahead(some, 0, last)
        try:
            while last is not None:
                records, names, following = coming.result()
                # The store puts the next ones together while these are packed.
                coming = _ahead(some, last, following)
                last = following
                # Until it is at them: the packing lets nobody have the interpreter meanwhile.
                time.sleep(_HEAD_START)
                if isinstance(records, str):
                    records = bytes.fromhex(records)
                if records:
                    packed.add_all(records, names.split("\n"))
        finally:
            # Nobody closes a connection that is in use.
            coming.exception()
    return packed


def _ahead(call: Callable[..., Any], *arguments: object) -> Future[Any]:
    """The result of ``call``, made in a thread that keeps no process from ending."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(call(*arguments))
        except Exception as error:  # noqa: BLE001 (raised where the result is asked for)
            future.set_exception(error)

    threading.Thread(target=run, name="tenants", daemon=True).start()
    return future
