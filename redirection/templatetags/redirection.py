"""Tags for pages of the legacy portal: the portal script, and the banner."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse

from redirection.banner import banner_for
from redirection.conf import conf
from redirection.deep_links import UNKNOWN_PAGE, destination_for
from redirection.middleware import hand_over_address
from redirection.traffic import route_at_first
from redirection.visits import Visit

register = template.Library()


@register.inclusion_tag("redirection/_portal_script.html", takes_context=True)
def portal_script(context: template.Context) -> dict[str, Any]:
    """The portal script with what it has to know. Put it first in ``<head>``."""
    request = context["request"]
    visit: Visit | None = getattr(request, "redirection", None)
    if visit is None or visit.tenant is None:
        return {"visit": None}
    origin = conf().destination(visit.tenant.cloud)
    return {
        "visit": visit,
        "since": visit.tenant.since if visit.tenant.on and origin else None,
        "hand_over": f"{origin}{hand_over_address(request, visit.tenant.tid)}",
        # The tenant visited, which is not always the one of the host.
        "page_seen": f"{reverse('redirection:page_seen')}?{urlencode({'tid': visit.tenant.tid})}",
        "is_shell": route_at_first(destination_for(request.path)) == UNKNOWN_PAGE,
    }


@register.inclusion_tag("redirection/_legacy_banner.html", takes_context=True)
def legacy_banner(context: template.Context) -> dict[str, Any]:
    """The banner, unless there is nothing to say or the person closed it."""
    request = context["request"]
    return {
        "banner": banner_for(request),
        "page": request.get_full_path(),
        "csrf_token": context.get("csrf_token"),
        "destination_name": conf().destination_name,
        "legacy_name": conf().legacy_name,
    }
