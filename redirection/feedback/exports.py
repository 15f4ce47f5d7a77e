"""Reports and troubles as files: what stands in them, for tenants and for operators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from redirection.exports import CHUNK, Table, utc
from redirection.feedback.loads import feature_of, loads_of_all
from redirection.models import Answer, Feedback, Trouble

_REPORT_COLUMNS = (
    "report",
    "time",
    "kind",
    "state",
    "route",
    "page",
    "portal",
    "given_from",
    "rating",
    "text",
    "may_contact",
    "who",
)


def _with_trouble(reports: QuerySet[Feedback]) -> QuerySet[Any]:
    # Two values cost less than an object for each row.
    return reports.select_related("person").annotate(
        route=F("trouble__route"), state=F("trouble__state")
    )


def _report(report: Any, who: str) -> tuple[Any, ...]:
    return (
        report.pk,
        utc(report.created_at),
        report.kind,
        report.state,
        report.route,
        report.page,
        report.portal,
        report.source,
        report.rating,
        report.text,
        report.may_contact,
        who,
    )


def _own(reports: QuerySet[Feedback]) -> Iterator[tuple[Any, ...]]:
    """A tenant's reports; who sent one only where they agreed to be contacted."""
    for report in _with_trouble(reports).iterator(chunk_size=CHUNK):
        yield _report(report, str(report.person) if report.may_contact else "")


def _all(reports: QuerySet[Feedback]) -> Iterator[tuple[Any, ...]]:
    found = _with_trouble(reports).annotate(name=F("tenant__name"))
    for report in found.iterator(chunk_size=CHUNK):
        yield report.name, *_report(report, str(report.person))


def _troubles(troubles: QuerySet[Trouble]) -> Iterator[tuple[Any, ...]]:
    """Troubles with ``tenants``, as the queue counts them."""
    newest = Answer.objects.filter(trouble=OuterRef("pk")).order_by("-pk")
    found = troubles.annotate(
        answer=Subquery(newest.values("text")[:1]), answered_at=Subquery(newest.values("at")[:1])
    )
    rows: list[Any] = []
    for trouble in found.iterator(chunk_size=CHUNK):
        rows.append(trouble)
        if len(rows) == CHUNK:
            yield from _with_loads(rows)
            rows = []
    yield from _with_loads(rows)


def _with_loads(troubles: list[Any]) -> Iterator[tuple[Any, ...]]:
    loads = loads_of_all({trouble.route for trouble in troubles}, timezone.now().date())
    for trouble in troubles:
        yield (
            trouble.pk,
            trouble.route,
            feature_of(trouble.route),
            trouble.kind,
            trouble.state,
            trouble.reports,
            trouble.tenants,
            loads[trouble.route],
            utc(trouble.first_at),
            utc(trouble.last_at),
            utc(trouble.reopened_at) if trouble.reopened_at else None,
            trouble.answer,
            utc(trouble.answered_at) if trouble.answered_at else None,
        )


OWN_REPORTS = Table(_REPORT_COLUMNS, _own)
ALL_REPORTS = Table(("tenant", *_REPORT_COLUMNS), _all)
TROUBLES = Table(
    (
        "trouble",
        "route",
        "feature",
        "kind",
        "state",
        "reports",
        "tenants",
        "loads_in_28_days",
        "first_reported",
        "last_reported",
        "reported_again",
        "answer",
        "answered",
    ),
    _troubles,
)
