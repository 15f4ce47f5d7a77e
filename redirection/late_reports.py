"""Reports without a trouble: those from before troubles, and of workers that know none yet.

During an upgrade workers of the release before go on writing reports. What they leave out is
added by the first worker of this one that looks, and by the migration for all that came before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Least

from redirection.reported_pages import route_of

# Rows read, or changed, by one query.
CHUNK = 900


def give_each_its_trouble(reports: Any, troubles: Any, most: int | None = None) -> int:
    """Give up to ``most`` reports without a trouble theirs, and count them; how many there were.

    ``reports`` and ``troubles`` are the managers, of a migration's state or of the models. What
    several processes find at once is counted once. Raises DatabaseError.
    """
    cached = lru_cache(10_000)(route_of)
    late: defaultdict[tuple[str, str], list[tuple[int, Any]]] = defaultdict(list)
    found = reports.filter(trouble=None).order_by("created_at")
    rows = found.values_list("pk", "created_at", "kind", "page", "portal")[:most]
    number = 0
    for pk, at, kind, page, portal in rows.iterator(chunk_size=CHUNK):
        late[cached(page, on_legacy=portal == "legacy"), kind].append((pk, at))
        number += 1
    for (route, kind), members in sorted(late.items()):
        _join(reports, troubles, route, kind, members)
    return number


def _join(reports: Any, troubles: Any, route: str, kind: str, members: list[Any]) -> None:
    first, last = members[0][1], members[-1][1]
    with transaction.atomic(using=reports.db):
        known, _ = troubles.get_or_create(
            route=route, kind=kind, defaults={"first_at": first, "last_at": last}
        )
        # Before its reports, as everybody locks them. Gone if it was erased meanwhile: next time.
        trouble = troubles.select_for_update(no_key=True).filter(pk=known.pk).first()
        joined = 0 if trouble is None else _point(reports, trouble, [pk for pk, _ in members])
        if trouble is None or not joined:
            transaction.set_rollback(True, using=reports.db)
            return
        counted = troubles.filter(pk=trouble.pk)
        counted.update(
            reports=F("reports") + joined,
            first_at=Least("first_at", first),
            last_at=Greatest("last_at", last),
        )
        # Said to be fixed, and reported again after that.
        fixed = counted.filter(state="fixed").exclude(answers__at__gte=last)
        fixed.update(state="open", reopened_at=last)


def _point(reports: Any, trouble: Any, pks: Iterable[int]) -> int:
    pks = list(pks)
    return sum(
        reports.filter(pk__in=pks[start : start + CHUNK], trouble=None).update(trouble=trouble)
        for start in range(0, len(pks), CHUNK)
    )
