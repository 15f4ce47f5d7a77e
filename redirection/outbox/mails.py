"""Mail: put together when it is sent, in the recipient's language, and only what they may know."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from redirection.conf import conf
from redirection.models import Answer, DigestSubscription, Feedback, OutgoingMessage, Tenant
from redirection.models.reasons import one_line
from redirection.outbox import digests, events
from redirection.outbox.webhooks import Outcome


def mail_of(message: OutgoingMessage) -> EmailMessage | None:
    """The mail a message is, None where there is nothing to send any more.

    So it is where the report was erased, the agreement to be contacted taken back, the
    subscription ended, the role lost, or the address is none.
    """
    address = address_of(message.person)
    if not address:
        return None
    made = _digest(message) if message.event == events.DIGEST else _answer(message)
    if made is None:
        return None
    subject, text, headers = made
    return EmailMessage(
        # A line break would be a header of its own.
        one_line(subject),
        text,
        to=[address],
        # Receivers tell a repetition by it, and nobody's out-of-office answers it.
        headers={"Message-ID": f"<{message.number}@portal-redirection>", **headers}
        | {"Auto-Submitted": "auto-generated"},
    )


def send(mails: Sequence[EmailMessage]) -> Iterator[Outcome]:
    """Send them over one connection, one after the other."""
    connection = get_connection()
    try:
        for mail in mails:
            mail.connection = connection
            try:
                connection.open()
                mail.send()
            except smtplib.SMTPRecipientsRefused as error:
                code = next(iter(error.recipients.values()))[0]
                yield Outcome(f"SMTP {code}", is_over=code >= 500)
            except smtplib.SMTPResponseException as error:
                yield Outcome(f"SMTP {error.smtp_code}")
            except (smtplib.SMTPException, OSError, ValueError) as error:
                yield Outcome(type(error).__name__)
            else:
                yield Outcome()
    finally:
        with suppress(OSError, smtplib.SMTPException):
            connection.close()


def address_of(person: Any) -> str:
    """The mail address of an active person; "" where there is none that could be one."""
    if person is None or not person.is_active:
        return ""
    address = str(getattr(person, person.get_email_field_name(), ""))
    try:
        validate_email(address)
    except ValidationError:
        return ""
    return address


def page_of(tenant: Tenant | None, name: str, query: str = "") -> str:
    """The address of a page on the tenant's destination, or on the first one for operators."""
    origins = [tenant.destination] if tenant else map(conf().destination, conf().clouds)
    origin = next((origin for origin in origins if origin), "")
    return f"{origin}{reverse(name, urlconf=conf().destination_urlconf)}{query}"


_Made = tuple[str, str, dict[str, str]]


def _answer(message: OutgoingMessage) -> _Made | None:
    answer = Answer.objects.filter(pk=message.content.get("answer")).first()
    tenant = message.tenant
    if answer is None or tenant is None or not tenant.enabled:
        return None
    report = (
        Feedback.objects.filter(
            trouble=answer.trouble_id, person=message.person, tenant=tenant, may_contact=True
        )
        .order_by("-created_at")
        .first()
    )
    if report is None:
        return None
    with translation.override(report.language or None):
        context = {
            "tenant": tenant,
            "report": report,
            "answer": answer,
            "page": page_of(tenant, "redirection:my_feedback", f"?tid={tenant.tid}"),
        }
        subject = _("Your feedback was answered: %(state)s") % {"state": answer.get_state_display()}
        return subject, render_to_string("redirection/mail/answer.txt", context), {}


def _digest(message: OutgoingMessage) -> _Made | None:
    subscription = DigestSubscription.objects.filter(
        person=message.person, tenant=message.tenant
    ).first()
    if subscription is None or not digests.is_still_theirs(subscription):
        return None
    tenant = subscription.tenant
    since, until = (datetime.fromisoformat(message.content[key]) for key in ("since", "until"))
    with translation.override(subscription.language or None):
        if tenant is None:
            page = page_of(None, "admin:redirection_trouble_changelist")
            change = page_of(None, "admin:redirection_digestsubscription_changelist")
            subject = _("What people report, in all organisations")
        else:
            page = change = page_of(tenant, "redirection:reported", f"?tid={tenant.tid}")
            subject = _("What people report in %(tenant)s") % {"tenant": tenant}
        found = digests.summary(tenant, since, until)
        context = {"tenant": tenant, "since": since, "until": until, "page": page, **found}
        text = render_to_string("redirection/mail/digest.txt", context | {"change": change})
        return subject, text, {"List-Unsubscribe": f"<{change}>"}
