"""Giving feedback: each report is counted with the trouble it tells of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypedDict, Unpack

from django.db import connection, transaction
from django.utils import timezone

from redirection import switches
from redirection.erasure import hold
from redirection.feedback.limits import check_limits
from redirection.feedback.screenshots import Picture
from redirection.feedback.words import plain_page, plain_text
from redirection.models import Feedback, Screenshot, Tenant, Trouble
from redirection.models.feedback import PAGE_LENGTH, TEXT_LENGTH
from redirection.outbox.events import feedback_given
from redirection.reported_pages import route_of

# The same words about the same page: a form sent twice, or again after an answer got lost.
SENT_TWICE = timedelta(minutes=10)
# Whoever waits keeps a thread from everybody else.
_LONGEST_WAIT = "3s"


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

    What a report lacked when it was first sent, a picture or being contacted, is added to it.
    Raises TooMuchFeedback, ObjectDoesNotExist for a tenant that is disabled or a person who was
    erased meanwhile, and OperationalError where others keep it waiting for too long.
    Whoever asks ``check_limits`` first keeps those who send without end from waiting here.
    """
    with transaction.atomic():
        _wait_only_so_long()
        # One at a time in a tenant, so that many at once are counted as well.
        hold(tenant, person)
        same = given_already(tenant, person, **said)
        if same is not None:
            return _with_the_rest(same, said)
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
    page = plain_page(page)[:PAGE_LENGTH]
    trouble = _reported(_route(tenant, page, portal), kind)
    feedback = Feedback.objects.create(
        tenant=tenant,
        person=person,
        trouble=trouble,
        portal=portal,
        source=source,
        page=page,
        rating=rating,
        kind=kind,
        text=plain_text(text)[:TEXT_LENGTH],
        may_contact=may_contact,
        created_at=trouble.last_at,
    )
    if screenshot is not None:
        _keep(feedback, screenshot)
    feedback_given(feedback)
    return feedback


def _route(tenant: Tenant, page: str, portal: str) -> str:
    on_legacy = portal == Feedback.Portal.LEGACY
    return route_of(page, on_legacy=on_legacy, rules=switches.held().rules, cloud=tenant.cloud)


def given_already(tenant: Tenant, person: Any, **said: Unpack[Said]) -> Feedback | None:
    """The report that the same words made a moment ago."""
    return Feedback.objects.filter(
        tenant=tenant,
        person=person,
        kind=said["kind"],
        text=plain_text(said["text"]),
        page=plain_page(said["page"]),
        rating=said.get("rating"),
        created_at__gt=timezone.now() - SENT_TWICE,
    ).first()


def _wait_only_so_long() -> None:
    """Until the end of the transaction. SQLite has one limit for all."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_LONGEST_WAIT])


def _with_the_rest(same: Feedback, said: Said) -> Feedback:
    picture, may_contact = said.get("screenshot"), said.get("may_contact", same.may_contact)
    if picture is not None and not Screenshot.objects.filter(feedback=same).exists():
        _keep(same, picture)
    if same.may_contact != may_contact:
        same.may_contact = may_contact
        same.save(update_fields=["may_contact"])
    return same


def _keep(feedback: Feedback, picture: Picture) -> None:
    Screenshot.objects.create(
        feedback=feedback, png=picture.png, width=picture.width, height=picture.height
    )


def _reported(route: str, kind: str) -> Trouble:
    """The trouble with one report more; locked until the transaction ends."""
    same = Trouble.objects.select_for_update(no_key=True).filter(route=route, kind=kind)
    trouble = None
    while trouble is None:
        Trouble.objects.get_or_create(route=route, kind=kind)
        # Gone again where its last report was erased meanwhile.
        trouble = same.first()
    # Only now: an answer that was waited for is older.
    now = timezone.now()
    trouble.reports += 1
    trouble.last_at = now
    if trouble.state == Trouble.State.FIXED:
        trouble.state = Trouble.State.OPEN
        trouble.reopened_at = now
    trouble.save(update_fields=["reports", "last_at", "state", "reopened_at"])
    return trouble
