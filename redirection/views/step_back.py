"""Open the old page for one task: asked for on the destination, taken and ended on legacy hosts."""

from __future__ import annotations

import time
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from redirection import form_chains, step_backs, switches, unsent
from redirection.answers import refuse
from redirection.conf import conf
from redirection.feedback.giving import give
from redirection.feedback.limits import TooMuchFeedback
from redirection.middleware import response_of
from redirection.models import Feedback, StepBack, StepBackGrant, StepBackReason, Tenant
from redirection.step_back_forms import FEEDBACK_KINDS, StepBackForm
from redirection.step_backs import Grant, NoGrant, own_page
from redirection.views.visited import tenants_shown, visited_tenant
from redirection.views.way_back import rules_to
from redirection.visits import Visit
from redirection.way_back import legacy_for

UNSENT = "step_back"
TOO_MUCH_FEEDBACK = gettext_lazy(
    "Much feedback came from you or your organisation within an hour. Open the page without it, "
    "or try again later."
)


# Anonymous visitors are sent to sign in by the view itself: a redirect of the middleware
# would lose what somebody typed while their session ended.
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def step_back(request: HttpRequest) -> HttpResponse:
    """Ask for the reason and say until when it lasts; then off to the legacy page."""
    if not request.user.is_authenticated:
        if request.method == "POST":
            unsent.keep(request, UNSENT, ("reason", "text", "send_feedback", "page"))
        return redirect_to_login(request.get_full_path())
    tenant = visited_tenant(request, request.GET.get("tid"))
    page = _page_asked(request, tenant)
    origin = step_backs.legacy_origin(conf(), tenant.cloud, tenant.name)
    if origin is None:
        raise Http404
    if not tenant.is_on:
        # There is nothing to step back from.
        context = {
            **tenants_shown(request, tenant),
            "legacy_page": origin + page,
            "stay_url": _stay_url(request),
        }
        return render(request, "redirection/step_back_off.html", context)
    if not tenant.allow_step_back:
        raise PermissionDenied(
            _("Your organisation does not allow this. Ask an administrator, or give feedback.")
        )
    if request.method != "POST":
        typed = unsent.take(request, UNSENT, tenant) or {}
        page = own_page(typed.get("page", page), conf().exempt_paths)
        return _form_page(request, tenant, StepBackForm(initial=typed), page)
    form = StepBackForm(request.POST)
    if not form.is_valid():
        return _form_page(request, tenant, form, page, HTTPStatus.BAD_REQUEST)
    try:
        running = _begin(request.user, tenant, form.cleaned_data, page)
    except TooMuchFeedback as error:
        form.add_error("send_feedback", TOO_MUCH_FEEDBACK)
        response = _form_page(request, tenant, form, page, HTTPStatus.TOO_MANY_REQUESTS)
        response["Retry-After"] = str(error.retry_after)
        return response
    query = urlencode({"grant": step_backs.signed_grant(running)})
    response = HttpResponseRedirect(f"{origin}{_legacy_path('take_step_back')}?{query}")
    # Whoever reads the address in a log has a minute and finds it used.
    response["Referrer-Policy"] = "no-referrer"
    return response


# The grant says who may: the sign-in was on the destination.
@login_not_required
@never_cache
@require_GET
def take_step_back(request: HttpRequest) -> HttpResponse:
    """Turn a grant into the cookie that keeps this browser here, and open the page."""
    visit: Visit = request.redirection  # type: ignore[attr-defined]
    if visit.is_ahead_of_time:
        # Used up now, it would not count when the page is opened.
        return response_of(refuse(visit))
    now = time.time_ns() // 1_000_000
    try:
        grant = step_backs.verified_grant(request.GET.get("grant", ""))
    except NoGrant:
        return _refused(request)
    running = grant.step_back
    tenant = Tenant.objects.filter(tid=running.tid, enabled=True).first()
    if visit.host is None or tenant is None or not _is_host_of(tenant, visit):
        return _refused(request)
    held = tenant.as_held()
    page = HttpResponseRedirect(own_page(grant.page, conf().exempt_paths))
    if not running.is_running(now, held.step_back_since):
        return _refused(request, tenant, grant)
    before = step_backs.read(conf(), request.COOKIES, running.tid)
    if before == running:
        # Loaded again: the browser has what it needs.
        return page
    if not StepBackGrant.objects.use(running):
        return _refused(request, tenant, grant)
    if before is not None:
        # This browser goes on with the new one.
        StepBackGrant.objects.end(before.number)
    step_backs.write(conf(), page, running, now, visit.host.domain)
    return page


# Whoever sees the banner may end it, signed in or not.
@login_not_required
@never_cache
@require_POST
def end_step_back(request: HttpRequest) -> HttpResponse:
    """End it now: on to the counterpart of the page it was ended on."""
    visit: Visit = request.redirection  # type: ignore[attr-defined]
    page = own_page(request.POST.get("next", "/"), conf().exempt_paths).partition("#")[0]
    if visit.tenant is None or visit.host is None:
        return HttpResponseRedirect(page)
    origin = conf().destination(visit.tenant.cloud)
    goes = origin is not None and visit.tenant.on
    # The browser takes the part behind "#" along, and the hand-over page reads it.
    way = urlencode({"tid": visit.tenant.tid, "from": page}, safe="/", quote_via=quote)
    address = f"{origin}{conf().hand_over_path}?{way}" if goes else page
    response: HttpResponse = HttpResponseRedirect(address)
    if visit.step_back is not None:
        StepBackGrant.objects.end(visit.step_back.number)
    step_backs.end(conf(), response, visit.tenant.tid, visit.host.domain)
    # A policy of the page may forbid its forms to lead elsewhere.
    return form_chains.lead_on(conf(), request, response) if goes else response


def _page_asked(request: HttpRequest, tenant: Tenant) -> str:
    """The legacy ``page`` asked for, else the old one of the page the person is ``at``."""
    asked = request.POST if request.method == "POST" else request.GET
    page = asked.get("page")
    if page is None:
        path, _separator, query = own_page(asked.get("at", "/"), ()).partition("?")
        page = legacy_for(
            path,
            query,
            rules=switches.held().rules,
            cloud=tenant.cloud,
            operator_rules=rules_to(path, tenant.cloud),
        ).link
    return own_page(page, conf().exempt_paths)


def _stay_url(request: HttpRequest) -> str:
    return own_page(request.GET.get("at"), ())


def _form_page(
    request: HttpRequest,
    tenant: Tenant,
    form: StepBackForm,
    page: str,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    context = {
        **tenants_shown(request, tenant),
        "form": form,
        "page": page,
        "stay_url": _stay_url(request),
        "unsent_owner": unsent.owner(request, tenant),
        "tenant_query": f"{urlencode({'page': page})}&",
        "until": timezone.now() + timedelta(minutes=tenant.step_back_minutes),
    }
    return render(request, "redirection/step_back.html", context, status=status)


def _begin(person: Any, tenant: Tenant, said: dict[str, Any], page: str) -> Grant:
    try:
        # The sentence is not lost where the page would not open, nor the other way round.
        with transaction.atomic():
            if said["send_feedback"]:
                _send_feedback(person, tenant, said, page)
            return StepBack.objects.begin(tenant, said["reason"], page, timezone.now())
    except ObjectDoesNotExist as error:
        # The tenant was disabled, or the person erased, meanwhile.
        raise Http404 from error


def _send_feedback(person: Any, tenant: Tenant, said: dict[str, Any], page: str) -> None:
    give(
        tenant,
        person,
        kind=FEEDBACK_KINDS[StepBackReason(said["reason"])],
        text=said["text"],
        page=page,
        # The page is one of the legacy portal.
        portal=Feedback.Portal.LEGACY,
        source=Feedback.Source.STEP_BACK,
    )


def _is_host_of(tenant: Tenant, visit: Visit) -> bool:
    host = visit.host
    return host is not None and host.tenant == tenant.name and host.cloud == tenant.cloud


def _refused(
    request: HttpRequest, tenant: Tenant | None = None, grant: Grant | None = None
) -> HttpResponse:
    """The page for a grant that counts no more, with the way to ask again."""
    again = ""
    origin = tenant.destination if tenant else None
    if origin and tenant and grant:
        path = reverse("redirection:step_back", urlconf=conf().destination_urlconf)
        again = f"{origin}{path}?{urlencode({'page': grant.page, 'tid': tenant.tid})}"
    context = {"again": again}
    return render(
        request, "redirection/step_back_refused.html", context, status=HTTPStatus.FORBIDDEN
    )


def _legacy_path(name: str) -> str:
    return reverse(name, urlconf="redirection.legacy_urls")
