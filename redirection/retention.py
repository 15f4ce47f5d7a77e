"""How long counts, feedback, messages and refusals are kept."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models

from redirection.conf import conf
from redirection.late_reports import give_each_its_trouble

# Seconds between two looks of a process.
EVERY = 600
# Each chunk is a transaction of its own.
CHUNK = 900
# The thread that looks has a report to write every few seconds.
MOST_SECONDS = 1.0

_looked_at: float | None = None


def let_go() -> None:
    """Delete what is too old, every ten minutes; what takes long goes on with the next call.

    Raises DatabaseError.

    Marks go when no curve needs them any more: so long after a session was last seen as a
    session may last and then be idle, and so do steps back after their end. Traffic and the
    counts of steps back go after ``REDIRECTION_TRAFFIC_DAYS``; feedback with its screenshots and
    answers, messages and refusals after the days of their own settings; sessions when they have
    run out. Reports that an older release wrote meanwhile get their trouble.
    """
    global _looked_at
    now = time.monotonic()
    if _looked_at is not None and now - _looked_at < EVERY:
        return
    _looked_at = now
    from redirection.models import (  # models need the app registry
        Feedback,
        OutgoingMessage,
        Refusal,
        SessionMark,
        StepBack,
        StepBackGrant,
        Tenant,
        Traffic,
        Trouble,
        UnmatchedLink,
    )
    from redirection.stored_sessions import run_out

    settings = conf()
    moment = int((time.time() - settings.session_limit - settings.session_idle) * 1000)
    marks = SessionMark.objects.over_before(moment)
    first_day = datetime.now(UTC).date() - timedelta(settings.traffic_days - 1)
    # Tenant by tenant: the index of the counts begins with it.
    tenants = Tenant.objects.order_by().values("tid")
    old: list[models.QuerySet[Any]] = [
        marks,
        Traffic.objects.filter(tenant__in=tenants, day__lt=first_day),
        UnmatchedLink.objects.filter(day__lt=first_day),
        StepBack.objects.filter(tenant__in=tenants, day__lt=first_day),
        StepBackGrant.objects.filter(until__lt=moment),
        # Due or not: a webhook that was switched off is not told of what is so old.
        OutgoingMessage.objects.filter(created_at__lt=_days_ago(settings.message_days)),
        Refusal.objects.filter(at__lt=_days_ago(settings.refusal_days)),
    ]
    sessions = run_out()
    if sessions is not None:
        old.append(sessions)
    late = give_each_its_trouble(Feedback.everything, Trouble.objects, CHUNK)
    until = now + MOST_SECONDS
    reports = Feedback.objects.filter(created_at__lt=_days_ago(settings.feedback_days))
    is_done = all(_delete(rows, until) for rows in old) and _forget_feedback(reports, until)
    if not is_done or late == CHUNK:
        _looked_at = None


def forget() -> None:
    """The next look is due."""
    global _looked_at
    _looked_at = None


def _delete(rows: models.QuerySet[models.Model], until: float) -> bool:
    """Delete ``rows``; whether none was left ``until`` a moment of the monotonic clock."""
    while True:
        found = list(rows.order_by().values_list("pk", flat=True)[:CHUNK])
        if found:
            rows.model._default_manager.filter(pk__in=found).delete()  # noqa: SLF001
        if len(found) < CHUNK:
            return True
        if time.monotonic() >= until:
            return False


def _forget_feedback(rows: models.QuerySet[Any], until: float) -> bool:
    """``_delete`` for reports, whose troubles count them."""
    from redirection.erasure import forget_feedback

    while True:
        found = list(rows.order_by("created_at").values_list("pk", flat=True)[:CHUNK])
        if found:
            forget_feedback(rows.filter(pk__in=found))
        if len(found) < CHUNK:
            return True
        if time.monotonic() >= until:
            return False


def _days_ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days)
