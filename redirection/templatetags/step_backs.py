"""Tags around stepping back: where the way begins, and how long it lasts."""

from __future__ import annotations

from django import template

from redirection.step_back_forms import duration
from redirection.step_back_offers import offer, offer_here

register = template.Library()
register.filter("duration", duration)


@register.simple_tag(takes_context=True)
def step_back_offer(context: template.Context, tid: str, page: str) -> str:
    """Where a person asks for the legacy ``page`` of the tenant ``tid``; "" where nobody may."""
    return offer(context["request"], tid, page)


@register.simple_tag(takes_context=True)
def step_back_here(context: template.Context) -> str:
    """The same for whoever reads this page of the destination."""
    request = context.get("request")
    return offer_here(request) if request is not None else ""
