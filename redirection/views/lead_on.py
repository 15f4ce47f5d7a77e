"""The page after a form, where the gate decides: a proxy's gate can answer with no page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from redirection import answers, form_chains
from redirection.conf import conf
from redirection.locations import LONGEST_LOCATION, link_of
from redirection.middleware import response_of
from redirection.received_requests import of_target
from redirection.step_backs import own_page
from redirection.visits import visit_now


# Whoever may open the legacy page is led on from it, signed in or not.
@login_not_required
@never_cache
@require_safe
def lead_on(request: HttpRequest) -> HttpResponse:
    """Lead on from the legacy ``page`` (path and query), or on to it where it stays.

    The browser brings the part behind "#" along, and the page takes it further. The gate has
    counted the load.
    """
    settings = conf()
    page = own_page(request.GET.get("page"), settings.exempt_paths, LONGEST_LOCATION)
    asked = of_target("GET", request.get_host(), page, request.META)
    visit = visit_now(asked)
    if visit.decision.refuse:
        return response_of(answers.refuse(visit))
    if not visit.decision.go or visit.tenant is None:
        # Not a redirect: a gate that knows more than this process would send the browser back.
        stays = HttpResponseRedirect(page)
        return form_chains.lead_on(settings, request, stays, settings.legacy_name)
    link = link_of(asked, visit.tenant)
    redirect = answers.redirect_to(link, asked, visit, visit.tenant, settings)
    return form_chains.lead_on(settings, request, response_of(redirect))
