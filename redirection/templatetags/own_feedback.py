"""The tag for the header: how many answers somebody has not seen yet."""

from __future__ import annotations

from django import template

from redirection.feedback import own

register = template.Library()


@register.simple_tag(takes_context=True)
def new_answers(context: template.Context) -> int:
    """Reports of who reads the page with an answer that is new to them (1 query, signed in)."""
    request = context.get("request")
    return own.new_answers(request) if request is not None else 0
