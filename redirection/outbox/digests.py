"""Digests: a summary of what was reported, for whoever may see it and asked for it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from redirection.conf import conf
from redirection.models import (
    DigestSubscription,
    Feedback,
    LocalRole,
    OutgoingMessage,
    RoleSnapshot,
    Tenant,
    Trouble,
)
from redirection.outbox.events import DIGEST
from redirection.permissions import VIEW_REDIRECTION, may

logger = logging.getLogger(__name__)

PERIODS = {
    DigestSubscription.Every.DAY: timedelta(days=1),
    DigestSubscription.Every.WEEK: timedelta(days=7),
}
MOST_TROUBLES = 25
# Mail goes on without anybody signing in, so what the directory said must not be older.
ROLES_MAX_AGE = timedelta(days=30)
VIEW_TROUBLES = "redirection.view_trouble"


def write_due(now: datetime) -> int:
    """Write the digests that are due, and end the subscriptions of those who may not see it.

    Returns how many digests were written. Where nothing was reported, none is.
    """
    if not conf().sends_mail:
        return 0
    is_due = Q()
    for every, period in PERIODS.items():
        is_due |= Q(every=every, told_until__lte=now - period)
    subscriptions = DigestSubscription.objects.filter(is_due).select_related("person", "tenant")
    return sum(_write(subscription, now) for subscription in subscriptions.iterator())


def is_still_theirs(subscription: DigestSubscription) -> bool:
    """Whether the person may see this now; where not, the subscription ends."""
    if _may_see(subscription.person, subscription.tenant):
        return True
    logger.info("Digest ended: %s may not see it any more", subscription.person.get_username())
    subscription.delete()
    return False


def summary(tenant: Tenant | None, since: datetime, until: datetime) -> dict[str, Any]:
    """What was reported between two moments in a tenant, or in all: the troubles most told of."""
    reports = _reports(tenant, since, until)
    found = (
        reports.order_by()
        .values("trouble__route", "trouble__kind", "trouble__state")
        .annotate(number=Count("pk"))
        .order_by("-number", "trouble__route", "trouble__kind")
    )
    troubles = [
        {
            "route": row["trouble__route"],
            "kind": Feedback.Kind(row["trouble__kind"]).label,
            "state": Trouble.State(row["trouble__state"]).label,
            "number": row["number"],
        }
        for row in found[:MOST_TROUBLES]
    ]
    return {"reports": reports.count(), "troubles": troubles, "more": found.count() - len(troubles)}


def _write(subscription: DigestSubscription, now: datetime) -> int:
    if not is_still_theirs(subscription):
        return 0
    since = subscription.told_until
    period = PERIODS[DigestSubscription.Every(subscription.every)]
    # At the same time of day, however late somebody looks.
    until = since + (now - since) // period * period
    with transaction.atomic():
        same = DigestSubscription.objects.filter(pk=subscription.pk, told_until=since)
        # Two senders at once: one of them wins.
        if not same.update(told_until=until):
            return 0
        if not _reports(subscription.tenant, since, until).exists():
            return 0
        OutgoingMessage.objects.create(
            kind=OutgoingMessage.Kind.MAIL,
            number=uuid4(),
            event=DIGEST,
            tenant=subscription.tenant,
            person=subscription.person,
            content={"since": since.isoformat(), "until": until.isoformat()},
        )
    return 1


def _reports(tenant: Tenant | None, since: datetime, until: datetime) -> QuerySet[Feedback]:
    found = Feedback.objects.filter(created_at__gt=since, created_at__lte=until)
    return found if tenant is None else found.filter(tenant=tenant)


def _may_see(person: Any, tenant: Tenant | None) -> bool:
    if tenant is None:
        return bool(person.is_active and person.is_staff and person.has_perm(VIEW_TROUBLES))
    return may(person, VIEW_REDIRECTION, tenant) and _was_asked_lately(person, tenant)


def _was_asked_lately(person: Any, tenant: Tenant) -> bool:
    if conf().roles_max_age is None:
        return True
    snapshots = RoleSnapshot.objects.filter(
        person=person, taken_at__gte=timezone.now() - ROLES_MAX_AGE
    )
    # As for a change: a local role counts with a snapshot of whichever tenant.
    if LocalRole.objects.filter(person=person, tenant=tenant).exists():
        return snapshots.exists()
    return snapshots.filter(tenant=tenant).exists()
