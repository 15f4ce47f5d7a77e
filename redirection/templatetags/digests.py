"""``{% digest_form %}``: whether a tenant's summary comes by mail, and how often."""

from __future__ import annotations

from typing import Any

from django import template

from redirection.conf import conf
from redirection.models import DigestSubscription
from redirection.outbox.mails import address_of

register = template.Library()


@register.inclusion_tag("redirection/_digest.html", takes_context=True)
def digest_form(context: dict[str, Any]) -> dict[str, Any]:
    """For the page of one ``tenant``; nothing is shown where no mail is sent (1 query)."""
    if not conf().sends_mail:
        return {"is_shown": False}
    request, tenant = context["request"], context["tenant"]
    held = DigestSubscription.objects.filter(person=request.user, tenant=tenant).first()
    return {
        "is_shown": True,
        "tenant": tenant,
        "every": held.every if held else "",
        "choices": DigestSubscription.Every.choices,
        "address": address_of(request.user),
        "csrf_token": context.get("csrf_token"),
    }
