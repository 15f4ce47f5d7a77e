"""A month of page loads, made up, so that the settings page has numbers to show at once."""

from __future__ import annotations

import datetime as dt

from redirection.models import Tenant, Traffic

# Route template and page loads of a usual working day.
_WORKING_DAY = {
    "/": 140,
    "/audits": 96,
    "/alerts": 61,
    "/alerts/*": 38,
    "/policy": 22,
    "/discovery": 19,
    "/users/*": 12,
    "/files": 9,
    "/security-configuration": 7,
}
_SATURDAY = 5


def fill(tenant: Tenant, today: dt.date) -> None:
    """Count the 29 days before ``today`` (UTC); weekends are quiet."""
    counts = {}
    for back in range(1, 30):
        day = today - dt.timedelta(back)
        for route, loads in _WORKING_DAY.items():
            # Some days are busier than others, the same ones at every start.
            busy = loads * (80 + day.toordinal() * 37 % 41) // 100
            kept = busy // 8 if day.weekday() >= _SATURDAY else busy
            counts[(str(tenant.tid), day, route)] = (kept, 0)
    Traffic.objects.add(counts)
