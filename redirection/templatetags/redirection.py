"""Tags for pages of the legacy portal: the portal script, and the banner."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from django import template
from django.http import HttpRequest
from django.urls import reverse

from redirection.banner import banner_context
from redirection.conf import conf
from redirection.counted_links import route_at_first
from redirection.deep_links import UNKNOWN_PAGE, destination_for
from redirection.middleware import hand_over_address
from redirection.request_classes import RequestClass
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
    if visit is None or visit.tenant is None or visit.request_class is RequestClass.EMBEDDED:
        return {"visit": None}
    origin = conf().destination(visit.tenant.cloud)
    # A step back keeps new tabs too.
    moves_tabs = visit.tenant.on and origin and visit.step_back is None
    # What a form was answered never moves: it would be lost.
    moves_page = visit.page_load or visit.request_class is RequestClass.PASSED_ON
    return {
        "visit": visit,
        "since": (
            visit.tenant.since if moves_tabs and moves_page and not visit.is_in_a_loop else None
        ),
        "is_counted": is_page and visit.is_counted,
        "carries_on": _carries_on(request, visit),
        "hand_over": f"{origin}{hand_over_address(visit.tenant.tid, request.get_full_path())}",
        # The tenant visited, which is not always the one of the host.
        "page_seen": f"{reverse('redirection:page_seen')}?{urlencode({'tid': visit.tenant.tid})}",
        "is_shell": is_page and route_at_first(destination_for(request.path)) == UNKNOWN_PAGE,
    }


@register.inclusion_tag("redirection/_legacy_banner.html", takes_context=True)
def legacy_banner(context: template.Context) -> dict[str, Any]:
    """The banner, unless there is nothing to say or the person closed it."""
    request = context["request"]
    return banner_context(request, request.get_full_path()) | {
        "step_back": step_back_notice(request),
        "csrf_token": context.get("csrf_token"),
    }


def _carries_on(request: HttpRequest, visit: Visit) -> bool:
    """Whether the page before was on another host of the same tenant, as the browser says."""
    try:
        referrer = urlsplit(request.headers.get("Referer", "")).netloc
    except ValueError:
        return False
    host = conf().legacy_hosts.parse(referrer)
    if host is None or visit.host is None or visit.tenant is None or host == visit.host:
        return False
    same = host.tenant == visit.tenant.name or (host.tenant is None and visit.remembered)
    return same and host.domain == visit.host.domain
