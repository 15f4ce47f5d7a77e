"""The tag for the foot of a destination page: its old address, and whether people work there."""

from __future__ import annotations

from typing import Any

from django import template
from django.contrib.messages import get_messages
from django.core.exceptions import PermissionDenied
from django.http import Http404

from redirection.conf import conf
from redirection.views.visited import visited_tenant

register = template.Library()


@register.inclusion_tag("redirection/_way_back_link.html", takes_context=True)
def way_back_link(context: template.Context) -> dict[str, Any]:
    """A link to the old address of the page, and a word while redirection is off.

    The word is for signed-in people of the organisation, and only once: a notice above the
    page may have said it.
    """
    request = context["request"]
    tenant = None
    if request.user.is_authenticated:
        try:
            tenant = visited_tenant(request, request.GET.get("tid"))
        except (Http404, PermissionDenied):
            tenant = None
    told = getattr(get_messages(request), "used", False)
    return {
        "page": request.get_full_path(),
        "is_off": tenant is not None and not tenant.is_on and not told,
        "legacy_name": conf().legacy_name,
    }
