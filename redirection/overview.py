"""What an admin has to know about one tenant before and after a switch, in numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _, gettext_lazy

from redirection.charts import falling_line, stacked_bars
from redirection.conf import conf
from redirection.deep_links import Counterpart
from redirection.feature_names import feature_name
from redirection.models import SessionMark, Tenant, Traffic
from redirection.models.session_marks import Falling
from redirection.models.traffic import DayLoads, Loads, Shares
from redirection.standings import ShutOut, shut_out

SHORTEST_CURVE = dt.timedelta(minutes=10)
MONTH = 30
WEEK = 7
COUNTERPART_NAMES: dict[str, str | Promise] = {
    Counterpart.EXACT: gettext_lazy("The same page is there"),
    Counterpart.NEAREST: gettext_lazy("The nearest place, with a word about it"),
    Counterpart.NONE: gettext_lazy("No counterpart yet, and the person is told so"),
}
PAGE_NOT_KNOWN = gettext_lazy("Not known: only the browser knew the page")


@dataclass(frozen=True)
class Share:
    """The page loads of one kind of counterpart, and how many of a hundred they are."""

    name: str | Promise
    loads: int
    percent: str


@dataclass(frozen=True)
class Unmatched:
    """A page without an exact counterpart: its name and template, and how often it is opened."""

    route: str
    feature: str
    counterpart: str | Promise
    loads: int


@dataclass(frozen=True)
class Overview:
    """The numbers of one tenant at one moment. Page loads are those of the last 30 days (UTC)."""

    running: int
    by_design: int
    falling: Falling | None
    # When the last session from before the switch has ended at the latest.
    last_end: dt.datetime
    days: list[DayLoads]
    links: Shares
    shut_out: ShutOut

    @property
    def week(self) -> Loads:
        return _sum(self.days[-WEEK:])

    @property
    def month(self) -> Loads:
        return _sum(self.days)

    @property
    def shares(self) -> list[Share]:
        """By counterpart, the best first; empty without a page load."""
        links = self.links
        if not links.total:
            return []
        numbers = [
            (COUNTERPART_NAMES[Counterpart.EXACT], links.exact),
            (COUNTERPART_NAMES[Counterpart.NEAREST], links.nearest),
            (COUNTERPART_NAMES[Counterpart.NONE], links.none),
        ]
        if links.unknown:
            numbers.append((PAGE_NOT_KNOWN, links.unknown))
        return [Share(name, loads, _percent(loads, links.total)) for name, loads in numbers]

    @property
    def unmatched(self) -> list[Unmatched]:
        """The most used pages whose counterpart is the nearest place or missing."""
        return [
            Unmatched(
                row.route,
                str(feature_name(row.feature)) if row.feature else "",
                COUNTERPART_NAMES[row.counterpart],
                row.loads,
            )
            for row in self.links.unmatched
        ]

    @property
    def unmatched_share(self) -> str:
        """How many of a hundred page loads have no exact counterpart; "" for none."""
        without = self.links.nearest + self.links.none
        return _percent(without, self.links.total) if without else ""

    @property
    def traffic_chart(self) -> SafeString | None:
        """Page loads kept and redirected, a bar a day; None where nothing was counted."""
        if not self.month.total:
            return None
        return stacked_bars(
            [date_format(day.day, "MONTH_DAY_FORMAT") for day in self.days],
            [
                (_("Stayed"), [day.kept for day in self.days]),
                (_("Redirected"), [day.redirected for day in self.days]),
            ],
        )

    @property
    def falling_chart(self) -> SafeString | None:
        """How the number of sessions from before the switch falls."""
        if self.falling is None:
            return None
        return falling_line(
            [date_format(point.at, "TIME_FORMAT") for point in self.falling.points],
            _("Sessions"),
            [point.running for point in self.falling.points],
        )


def overview_of(tenant: Tenant, now: dt.datetime) -> Overview:
    """The numbers of ``tenant`` at ``now`` (aware). At most 7 queries, whatever was counted."""
    settings = conf()
    moment = int(now.timestamp() * 1000)
    today = now.astimezone(dt.UTC).date()
    terms = (moment, settings.session_idle * 1000, settings.session_limit * 1000)
    marks = SessionMark.objects
    falling = None
    # Before, the sentence says it all and the curve is a point.
    since, limit = now - tenant.since, dt.timedelta(seconds=settings.session_limit)
    # After the last session's end there is nothing left to fall, and marks are let go.
    if tenant.is_on and SHORTEST_CURVE <= since <= limit:
        falling = marks.falling(tenant, int(tenant.since.timestamp() * 1000), *terms)
    return Overview(
        running=marks.running(tenant, *terms),
        by_design=marks.by_design(tenant, *terms),
        last_end=tenant.since + limit,
        falling=falling if falling and any(point.running for point in falling.points) else None,
        days=Traffic.objects.by_day(tenant, today, MONTH),
        links=Traffic.objects.counterparts(tenant, today, MONTH),
        shut_out=shut_out(tenant),
    )


def _sum(days: Iterable[DayLoads]) -> Loads:
    days = list(days)
    return Loads(sum(day.kept for day in days), sum(day.redirected for day in days))


def _percent(part: int, whole: int) -> str:
    number = round(100 * part / whole)
    if part and not number:
        return _("less than 1%%") % {}
    return _("%(number)d%%") % {"number": number}
