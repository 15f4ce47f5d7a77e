"""The old address of a new page, and the word that an organisation still works over there."""

from __future__ import annotations

from http import HTTPStatus
from itertools import islice
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from redirection import switches
from redirection.conf import conf
from redirection.link_rules import MOST_SEGMENTS, LinkRule
from redirection.models import DeepLinkRule, Tenant
from redirection.old_addresses import address_for, address_without_name
from redirection.pasted_links import PastedLink
from redirection.step_backs import own_page
from redirection.views.visited import tenants_shown, visited_tenant
from redirection.way_back import legacy_for
from redirection.way_back_forms import WayBackForm

# Each is tried; no page has so many old ones.
MOST_RULES = 50


@never_cache
@require_safe
@login_required
def way_back(request: HttpRequest) -> HttpResponse:
    """The form; with ``?page=`` also the legacy page that leads to that page of this portal."""
    tenant = visited_tenant(request, request.GET.get("tid"))
    context: dict[str, Any] = {**tenants_shown(request, tenant), "page_form": WayBackForm()}
    status = HTTPStatus.OK
    if "page" in request.GET:
        form = context["page_form"] = WayBackForm(request.GET, origin=tenant.destination)
        if form.is_valid():
            context |= _found(tenant, form.cleaned_data["page"])
        else:
            status = HTTPStatus.BAD_REQUEST
    return render(request, "redirection/way_back.html", context, status=status)


def _found(tenant: Tenant, page: PastedLink) -> dict[str, Any]:
    found = legacy_for(
        page.path,
        page.query,
        rules=switches.held().rules,
        cloud=tenant.cloud,
        operator_rules=rules_to(page.path, tenant.cloud),
    )
    address = address_for(conf(), tenant.cloud, tenant.name, found.link) if found.link else None
    return {"found": found, "asked": page, "address": address}


def rules_to(path: str, cloud: str) -> list[LinkRule]:
    """The operator's rules that may lead to ``path``; of very many, some. One query."""
    segments = path.split("/")[:MOST_SEGMENTS]
    starts = ["/".join(segments[:length]) for length in range(1, len(segments) + 1)]
    wanted = Q()
    for target in (path, *(f"{start}/{{rest}}" for start in starts)):
        wanted |= Q(target=target) | Q(target__startswith=f"{target}?")
    found = DeepLinkRule.objects.filter(wanted, enabled=True, cloud__in=("", cloud))
    return list(islice(found.as_rules(), MOST_RULES))


def tell_while_off(request: HttpRequest, address: str | None) -> None:
    """A notice on the page that comes next, with the old ``address``; None: nothing to say."""
    if address is None:
        return
    text = _("Your organisation still works in %(legacy)s: automatic redirection is off.")
    messages.info(
        request,
        format_html(
            '{} <a href="{}">{}</a>',
            text % {"legacy": conf().legacy_name},
            address,
            _("Open the old address of this page"),
        ),
    )


def address_while_off(tid: str, legacy_link: str) -> str | None:
    """The old address a link came from, while redirection of ``tid`` is off; else None."""
    tenant = switches.held().by_tid.get(tid)
    if tenant is None or tenant.on:
        return None
    page = own_page(legacy_link, conf().exempt_paths)
    return address_without_name(conf(), tenant.cloud, tid, page)
