"""Settings > Cloud apps > System > Try a link: where a legacy link leads, and for whom."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from redirection import decisions, trials
from redirection.arrivals import Owner, arrival_of, owner_of, visit_of
from redirection.conf import conf
from redirection.models import Tenant
from redirection.pasted_links import PastedLink
from redirection.reason_names import reason_name
from redirection.trial_forms import TryLinkForm
from redirection.views.visited import tenant_to_see, tenants_shown


@never_cache
@require_safe
@login_required
def try_link(request: HttpRequest) -> HttpResponse:
    """The form; with ``?link=`` also where that link leads and what each visitor would get."""
    tenant = tenant_to_see(request, request.GET.get("tid"))
    context: dict[str, Any] = {**tenants_shown(request, tenant), "try_form": TryLinkForm()}
    status = HTTPStatus.OK
    if "link" in request.GET:
        form = context["try_form"] = TryLinkForm(request.GET)
        if form.is_valid():
            context |= _tried(tenant, form.cleaned_data["link"])
        else:
            status = HTTPStatus.BAD_REQUEST
    return render(request, "redirection/try_link.html", context, status=status)


def _tried(tenant: Tenant, link: PastedLink) -> dict[str, Any]:
    owner = owner_of(link, str(tenant.tid), tenant.name)
    if owner in (Owner.FOREIGN, Owner.NOT_LEGACY):
        return {"owner": owner, "host": link.host}
    settings = conf()
    visit, held = visit_of(link), tenant.as_held()
    exempt = decisions.is_exempt(visit.path_info, settings.exempt_paths)
    arrival = None if exempt or not tenant.destination else arrival_of(link, visit, held)
    asked = trials.Link(
        exempt=exempt,
        hand_over=arrival is not None and arrival.hand_over,
        destination=tenant.destination is not None,
    )
    limits = trials.Limits(settings.session_idle * 1000, settings.session_limit * 1000)
    now = time.time_ns() // 1_000_000
    states = [held] if tenant.is_forced else [held, trials.switched(held, now)]
    answers = [trials.answers(state, asked, limits, now) for state in states]
    return {
        "owner": owner,
        "exempt": exempt,
        "exempt_path": next(iter(settings.exempt_paths), ""),
        "arrival": arrival,
        "trials": [
            (visitor.value, [_shown(of_state[visitor]) for of_state in answers])
            for visitor in trials.Visitor
        ],
    }


def _shown(answer: trials.Answer) -> dict[str, str]:
    return {"way": answer.way.value, "reason": reason_name(answer.reason)}
