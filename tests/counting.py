"""What was counted, for the tests of traffic."""

from __future__ import annotations

from uuid import UUID

from redirection import traffic
from redirection.models import SessionMark, Tenant, Traffic


def counted(tenant: Tenant) -> dict[str, tuple[int, int]]:
    """Page loads by route template, kept and redirected, after they were written."""
    traffic.write()
    rows = Traffic.objects.filter(tenant=tenant).values_list("route", "kept", "redirected")
    sums: dict[str, tuple[int, int]] = {}
    for route, kept, redirected in rows:
        before = sums.get(route, (0, 0))
        sums[route] = (before[0] + kept, before[1] + redirected)
    return {route: loads for route, loads in sums.items() if loads != (0, 0)}


def marked(tid: UUID) -> list[tuple[int, int]]:
    """When each session began and was last seen, after they were written."""
    traffic.write()
    rows = SessionMark.objects.filter(tenant=tid).order_by("started")
    return list(rows.values_list("started", "seen"))
