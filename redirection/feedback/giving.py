"""Giving feedback: each report is counted with the trouble it tells of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.utils import timezone

from redirection import switches
from redirection.feedback.limits import check_limits
from redirection.feedback.screenshots import Picture
from redirection.feedback.words import plain_page, plain_text
from redirection.models import Feedback, Screenshot, Tenant, Trouble
from redirection.models.feedback import PAGE_LENGTH, TEXT_LENGTH
from redirection.outbox.events import feedback_given
from redirection.reported_pages import route_of

# The same words about the same page: a form sent twice, or again after an answer got lost.
SENT_TWICE = timedelta(minutes=10)


class Said(TypedDict, total=False):
    """What a report says: the words of the model. ``portal`` is the one the page belongs to."""

    kind: str
    text: str
    page: str
    portal: str
    source: str
    rating: int | None
    may_contact: bool
    screenshot: Picture | None


def give(tenant: Tenant, person: Any, **said: Unpack[Said]) -> Feedback:
    """Record what somebody sends, within the limits; a form sent twice is one report.

    Raises TooMuchFeedback. Whoever asks ``check_limits`` first keeps those who send without end
    from waiting here.
    """
    with transaction.atomic():
        # One at a time in a tenant, so that many at once are counted as well.
        list(Tenant.objects.select_for_update(no_key=True).filter(pk=tenant.pk).values("pk"))
        same = _sent_already(tenant, person, said)
        if same is not None:
            return same
        check_limits(tenant, person, timezone.now())
        return record(tenant, person, **said)


@transaction.atomic
def record(
    tenant: Tenant,
    person: Any,
    *,
    kind: str,
    text: str,
    page: str,
    portal: str,
    source: str,
    rating: int | None = None,
    may_contact: bool = False,
    screenshot: Picture | None = None,
) -> Feedback:
    """Write one report with its trouble, and what has to be sent about it.

    A trouble that was said to be fixed is open again.
    """
    now = timezone.now()
    page = plain_page(page)[:PAGE_LENGTH]
    feedback = Feedback.objects.create(
        tenant=tenant,
        person=person,
        trouble=_reported(_route(tenant, page, portal), kind, now),
        portal=portal,
        source=source,
        page=page,
        rating=rating,
        kind=kind,
        text=plain_text(text)[:TEXT_LENGTH],
        may_contact=may_contact,
        created_at=now,
    )
    if screenshot is not None:
        Screenshot.objects.create(
            feedback=feedback,
            png=screenshot.png,
            width=screenshot.width,
            height=screenshot.height,
        )
    feedback_given(feedback)
    return feedback


def _route(tenant: Tenant, page: str, portal: str) -> str:
    on_legacy = portal == Feedback.Portal.LEGACY
    return route_of(page, on_legacy=on_legacy, rules=switches.held().rules, cloud=tenant.cloud)


def _reported(route: str, kind: str, now: datetime) -> Trouble:
    """The trouble with one report more; locked until the transaction ends."""
    Trouble.objects.get_or_create(route=route, kind=kind, defaults={"first_at": now})
    same = Trouble.objects.select_for_update(no_key=True).filter(route=route, kind=kind)
    # Gone again where its last report was erased meanwhile.
    trouble = same.first() or Trouble.objects.create(route=route, kind=kind, first_at=now)
    trouble.reports += 1
    trouble.last_at = now
    if trouble.state == Trouble.State.FIXED:
        trouble.state = Trouble.State.OPEN
        trouble.reopened_at = now
    trouble.save(update_fields=["reports", "last_at", "state", "reopened_at"])
    return trouble


def _sent_already(tenant: Tenant, person: Any, said: Said) -> Feedback | None:
    return Feedback.objects.filter(
        tenant=tenant,
        person=person,
        kind=said["kind"],
        text=plain_text(said["text"]),
        page=plain_page(said["page"]),
        rating=said.get("rating"),
        created_at__gt=timezone.now() - SENT_TWICE,
    ).first()
