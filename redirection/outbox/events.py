"""What is told: messages are written in the transaction of what they tell of, and sent later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import uuid4

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from redirection.conf import conf
from redirection.exports import utc
from redirection.models import Answer, Feedback, OutgoingMessage, Tenant, Trouble, WebhookEndpoint

FEEDBACK_GIVEN = "feedback.given"
FEEDBACK_ANSWERED = "feedback.answered"
TROUBLE_REOPENED = "trouble.reopened"
DIGEST = "digest"
# Rows written at once.
CHUNK = 500


def feedback_given(feedback: Feedback) -> None:
    """Write the webhook calls that tell of a report, to whoever hears of its tenant.

    To be called in the transaction that writes it. Where the report opened its trouble again,
    that is told as well, to the same: others would learn that somebody else reports it. At most
    4 queries.
    """
    hear_of_tenant = Q(tenant=None) | Q(tenant=feedback.tenant_id)
    heard = list(WebhookEndpoint.objects.filter(hear_of_tenant, is_active=True))
    if heard:
        _write(_of_report(feedback, endpoint) for endpoint in heard)
    trouble = feedback.trouble
    if trouble.reopened_at is not None and trouble.reopened_at == trouble.last_at:
        endpoints = _of(trouble).filter(hear_of_tenant)
        _write(_of_reopening(trouble, endpoint) for endpoint in endpoints)


def trouble_answered(answer: Answer) -> None:
    """Write what tells of an answer: webhook calls, and mail to senders who agreed to it.

    To be called in the transaction that writes it. However many senders there are, no more than
    ``CHUNK`` messages are in memory.
    """
    _write(_of_answer(answer, endpoint) for endpoint in _of(answer.trouble))
    if mail_is_sent():
        _write(_mails(answer))


def mail_is_sent() -> bool:
    """Whether the site has a way to send mail: without one none is written."""
    return conf().sends_mail


def _of(trouble: Trouble) -> QuerySet[WebhookEndpoint]:
    """Those that hear of a trouble: of all tenants, or of one that reported it.

    Each with ``reports_heard``: a tenant learns of its own reports only.
    """
    own = (
        Feedback.objects.filter(trouble=trouble, tenant=OuterRef("tenant"))
        .order_by()
        .values("tenant")
        .annotate(number=Count("pk"))
    )
    endpoints = WebhookEndpoint.objects.filter(is_active=True).annotate(
        reports_heard=Coalesce(Subquery(own.values("number")), 0)
    )
    return endpoints.filter(Q(tenant=None) | Q(reports_heard__gt=0)).select_related("tenant")


def _of_report(feedback: Feedback, endpoint: WebhookEndpoint) -> OutgoingMessage:
    trouble = feedback.trouble
    data = {
        "feedback": feedback.pk,
        "tenant": _tenant(feedback.tenant),
        "trouble": {"id": trouble.pk, "route": trouble.route, "kind": trouble.kind},
        "portal": feedback.portal,
        "source": feedback.source,
        "page": feedback.page,
        "rating": feedback.rating,
        "text": feedback.text,
    }
    return OutgoingMessage(
        kind=OutgoingMessage.Kind.WEBHOOK,
        number=uuid4(),
        event=FEEDBACK_GIVEN,
        tenant=feedback.tenant,
        endpoint=endpoint,
        # Not told, but what the person wrote goes with the person.
        person=feedback.person,
        content=_content(FEEDBACK_GIVEN, feedback.created_at, data),
    )


def _of_reopening(trouble: Trouble, endpoint: Any) -> OutgoingMessage:
    at = trouble.reopened_at or trouble.last_at
    return _of_trouble(TROUBLE_REOPENED, at, trouble, endpoint, {})


def _of_answer(answer: Answer, endpoint: Any) -> OutgoingMessage:
    data = {"answer": {"id": answer.pk, "text": answer.text, "page": answer.page}}
    return _of_trouble(FEEDBACK_ANSWERED, answer.at, answer.trouble, endpoint, data)


def _of_trouble(
    event: str, at: datetime, trouble: Trouble, endpoint: Any, data: dict[str, Any]
) -> OutgoingMessage:
    told = {
        "tenant": _tenant(endpoint.tenant) if endpoint.tenant else None,
        "trouble": {
            "id": trouble.pk,
            "route": trouble.route,
            "kind": trouble.kind,
            "state": trouble.state,
            "reports": endpoint.reports_heard if endpoint.tenant else trouble.reports,
        },
        **data,
    }
    return OutgoingMessage(
        kind=OutgoingMessage.Kind.WEBHOOK,
        number=uuid4(),
        event=event,
        tenant=endpoint.tenant,
        endpoint=endpoint,
        content=_content(event, at, told),
    )


def _mails(answer: Answer) -> Iterator[OutgoingMessage]:
    """One to each sender and tenant; what it says is put together when it is sent."""
    senders = (
        Feedback.objects.filter(trouble=answer.trouble, may_contact=True)
        .order_by()
        .values_list("person", "tenant")
        .distinct()
    )
    for person, tenant in senders.iterator(chunk_size=CHUNK):
        yield OutgoingMessage(
            kind=OutgoingMessage.Kind.MAIL,
            number=uuid4(),
            event=FEEDBACK_ANSWERED,
            tenant_id=tenant,
            person_id=person,
            content={"answer": answer.pk},
        )


def _content(event: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": event, "timestamp": utc(at), "data": data}


def _tenant(tenant: Tenant) -> dict[str, str]:
    return {"id": str(tenant.tid), "name": tenant.name}


def _write(messages: Iterable[OutgoingMessage]) -> None:
    rest = iter(messages)
    while chunk := list(islice(rest, CHUNK)):
        OutgoingMessage.objects.bulk_create(chunk)
