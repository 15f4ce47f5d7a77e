"""Tags for pages of the legacy portal: the portal script, and the banner."""

from __future__ import annotations

from typing import Any

from django import template

from redirection.banner import banner_context
from redirection.portal_script import script_context
from redirection.step_back_notice import step_back_notice
from redirection.visits import Visit

register = template.Library()


@register.inclusion_tag("redirection/_portal_script.html", takes_context=True)
def portal_script(context: template.Context, *, is_page: bool = True) -> dict[str, Any]:
    """The portal script with what it has to know. Put it first in ``<head>``.

    ``is_page=False`` is for errors: they are counted as no page.
    """
    request = context["request"]
    visit: Visit | None = getattr(request, "redirection", None)
    page, referrer = request.get_full_path(), request.headers.get("Referer", "")
    return script_context(visit, page, referrer, is_page=is_page)


@register.inclusion_tag("redirection/_legacy_banner.html", takes_context=True)
def legacy_banner(context: template.Context) -> dict[str, Any]:
    """The banner, unless there is nothing to say or the person closed it."""
    request = context["request"]
    visit: Visit | None = getattr(request, "redirection", None)
    return banner_context(request, request.get_full_path(), visit) | {
        "step_back": step_back_notice(visit),
        "csrf_token": context.get("csrf_token"),
    }
