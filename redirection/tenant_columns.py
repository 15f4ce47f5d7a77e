"""Reads all tenants from the store at once, however many: a million in some seconds.

Row by row that would take a minute of this process, and each row would ask for the interpreter,
which requests need. SQLite and PostgreSQL put some thousand rows together themselves: then one
answer holds them all, and the work is theirs.
"""

from __future__ import annotations

from itertools import chain, product

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

# In words of the store: a record in hexadecimal digits as ``PackedTenants.add_all`` takes it, with
# whole milliseconds, and many texts as one. A doubled % is one.
_SQLITE = """
SELECT max(id), group_concat(tid || printf('%%012x%%012x%%012x%%04x', {since}, revision,
    CASE WHEN step_back_since IS NULL THEN 0 ELSE {step_back_since} END, {kind}), ''),
    group_concat(replace(name, char(10), ' '), char(10))
"""
_SQLITE_MOMENT = "max(0, strftime('%%s', substr({0}, 1, 19)) * 1000 + substr({0}, 21, 3))"
_POSTGRESQL = """
SELECT max(id), string_agg(replace(tid::text, '-', '') || lpad(to_hex({since}), 12, '0')
    || lpad(to_hex(revision), 12, '0') || lpad(to_hex({step_back_since}), 12, '0')
    || lpad(to_hex({kind}), 4, '0'), ''),
    string_agg(replace(name, chr(10), ' '), chr(10))
"""
_POSTGRESQL_MOMENT = "greatest(0, floor(extract(epoch FROM {0}) * 1000))::bigint"
_TOGETHER = {
    "sqlite": (_SQLITE, _SQLITE_MOMENT),
    "postgresql": (_POSTGRESQL, _POSTGRESQL_MOMENT),
}
_SOME = """
FROM (
    SELECT * FROM redirection_tenant WHERE id > %s AND enabled ORDER BY id LIMIT %s
) AS part
"""


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
    newest: int | None = 0
    with connection.cursor() as cursor:
        while newest is not None:
            cursor.execute(query, [*chain(*columns.values()), newest, _ROWS])
            newest, records, names = cursor.fetchone()
            if newest is not None:
                packed.add_all(bytes.fromhex(records), names.split("\n"))
    return packed
