"""The operators' page of links nothing matches, one step away from a rule for each."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from redirection import switches
from redirection.conf import conf
from redirection.link_rules import Kind, Part
from redirection.link_templates import OTHER
from redirection.models import UnmatchedLink
from redirection.rule_sets import RuleSet

_PER_PAGE = 50


def rule_for(template: str) -> dict[str, str]:
    """The fields of a rule for the pages of a template; none where no word begins it."""
    segments = template.strip("/").split("/")
    if not segments[0] or segments[0] == OTHER:
        return {}
    if OTHER not in segments:
        return {"kind": Kind.EXACT.value, "source": template}
    first = segments.index(OTHER)
    if first == len(segments) - 1:
        return {"kind": Kind.PREFIX.value, "source": "/" + "/".join(segments[:first])}
    parts = ["([^/]+)" if segment == OTHER else segment for segment in segments]
    # At the end a template may stand for any number of levels.
    end = "(?:/.*)?" if segments[-1] == OTHER else ""
    return {"kind": Kind.PATTERN.value, "source": "/" + "/".join(parts) + end}


def rule_number(template: str, rules: RuleSet, clouds: Collection[str]) -> int | None:
    """The number of a rule that answers the pages of a template by now, in every cloud.

    A letter and a digit stand for what the template leaves out. Which part of the address the
    pages stood in is not known, so a rule for either will do.
    """
    routes = [template.replace(OTHER, sample) for sample in ("x", "1")]
    numbers = []
    for cloud in clouds:
        found = (
            match.number
            for route in routes
            for part in (Part.PATH, Part.FRAGMENT)
            for match in rules.matches(route, part, cloud)
        )
        numbers.append(next(found, None))
    return numbers[0] if None not in numbers else None


def unmatched_page(admin: Any, request: HttpRequest) -> HttpResponse:
    """Templates by page loads, with what leads to a rule for each."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    pages = Paginator(UnmatchedLink.objects.by_template(), _PER_PAGE)
    shown = pages.get_page(request.GET.get("p"))
    add = reverse("admin:redirection_deeplinkrule_add")
    rows = []
    for row in shown.object_list:
        fields = rule_for(row["template"])
        rows.append(
            {
                **row,
                "rule": rule_number(row["template"], switches.held().rules, conf().clouds),
                "add": f"{add}?{urlencode(fields)}" if fields else "",
            }
        )
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": _("Unmatched links"),
        "rows": rows,
        "page": shown,
        "may_add": request.user.has_perm("redirection.add_deeplinkrule"),
    }
    return TemplateResponse(request, "admin/redirection/unmatched_links.html", context)
