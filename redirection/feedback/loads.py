"""Page loads beside what people report: how many use the page that a report is about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.db.models import QuerySet, Sum

from redirection.deep_links import counterpart_of, destination_for, route_template
from redirection.link_templates import REST
from redirection.models import Tenant, Traffic, UnmatchedLink

# Four weeks have as many working days wherever they begin.
DAYS = 28
# Users whose link names a directory object are told apart from others, but not in an address.
_BY_ID = "/users/{id}"


def is_counted(route: str) -> bool:
    """Whether page loads of a tenant are counted by this very template.

    What neither a rule nor a row was made for is counted together, or with the page above it.
    """
    if route == REST:
        return False
    return " " in route or route == _BY_ID or route_template(destination_for(route)) == route


def feature_of(route: str) -> str:
    """The English name of the page of a template; empty where nobody has named it."""
    return counterpart_of(route)[1] if is_counted(route) else ""


def loads_of_tenant(tenant: Tenant, routes: Collection[str], today: dt.date) -> dict[str, int]:
    """Page loads of the tenant in the last DAYS days until ``today``; without what is not counted.

    One query.
    """
    found = _summed(Traffic.objects.filter(tenant=tenant), routes, today)
    return {route: found.get(route, 0) for route in routes if is_counted(route)}


def loads_of_all(routes: Collection[str], today: dt.date) -> dict[str, int]:
    """The same over all tenants, who are counted by more templates then. Two queries."""
    found = _summed(Traffic.objects.all(), routes, today)
    first = today - dt.timedelta(DAYS - 1)
    rows = (
        UnmatchedLink.objects.filter(template__in=routes, day__gte=first, day__lte=today)
        .order_by()
        .values_list("template")
        .annotate(Sum("loads"))
    )
    unmatched = {template: max(loads, 0) for template, loads in rows}
    return {
        route: found.get(route, 0) if is_counted(route) else unmatched.get(route, 0)
        for route in routes
    }


def _summed(traffic: QuerySet[Traffic], routes: Collection[str], today: dt.date) -> dict[str, int]:
    first = today - dt.timedelta(DAYS - 1)
    rows = (
        traffic.filter(route__in=routes, day__gte=first, day__lte=today)
        .order_by()
        .values_list("route")
        .annotate(loads=Sum("kept") + Sum("redirected"))
    )
    return {route: max(loads, 0) for route, loads in rows}
