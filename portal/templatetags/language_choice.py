"""The tag that offers the languages of the site."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import template
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.utils.translation import get_language

register = template.Library()


@register.inclusion_tag("_languages.html", takes_context=True)
def language_choice(context: template.Context, back: str = "") -> dict[str, Any]:
    """A form with every language; nothing on a page that was made without a request.

    ``back`` is the path to come back to, for a page that cannot be opened twice.
    """
    request: HttpRequest | None = context.get("request")
    if request is None:
        return {"languages": ()}
    return {
        "languages": settings.LANGUAGES,
        "chosen": get_language(),
        "next": back or _page(request),
    }


def _page(request: HttpRequest) -> str:
    """The page to come back to: this one, or the one whose form it answers."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    try:
        came_from = urlsplit(request.headers.get("referer", ""))
        is_own = came_from.netloc == request.get_host()
    except (ValueError, DisallowedHost):
        # A referrer that is no address, or the page that refuses a forged host.
        is_own = False
    if not is_own:
        return "/"
    return came_from._replace(scheme="", netloc="").geturl()
