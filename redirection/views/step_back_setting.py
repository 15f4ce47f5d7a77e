"""Settings > Cloud apps > System: allow or forbid opening the old page for one task."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from redirection import unsent
from redirection.models import Change, ChangedMeanwhile, Channel, Tenant
from redirection.permissions import SWITCH_REDIRECTION, RolesTooOld, may
from redirection.step_back_forms import StepBackSettingForm
from redirection.views.ask_again import ask_again
from redirection.views.visited import refused, tenant_to_see, tenants_shown

# Whoever was away for longer reads the rest in the history.
MOST_MEANWHILE = 10
UNSENT = "step_back_setting"
TYPED = ("wanted", "minutes", "reason_kind", "reason")


@never_cache
@require_safe
@login_required
def step_back_setting(request: HttpRequest) -> HttpResponse:
    """The confirmation, for whoever may switch; ``?wanted=on|off`` is what they want."""
    tenant = _tenant_to_switch(request, request.GET.get("tid"))
    wanted = "off" if request.GET.get("wanted") == "off" else "on"
    typed = unsent.take(request, UNSENT, tenant)
    if typed:
        messages.info(request, _("You signed in again. Check what you typed and send it."))
    initial = {
        "minutes": tenant.step_back_minutes,
        **(typed or {}),
        "wanted": wanted,
        "seen_revision": tenant.revision,
        "tid": tenant.tid,
    }
    return _page(request, tenant, StepBackSettingForm(initial=initial), wanted)


# Whoever is not signed in any more is sent to do so by the view itself: the middleware would
# lose what they typed. A GET is somebody who reloads the answer to their form.
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_not_required
def switch_step_back(request: HttpRequest) -> HttpResponse:
    """Allow or forbid it: a change and its history row, or an explanation and no change."""
    page = reverse("redirection:step_back_setting")
    if request.method != "POST":
        return HttpResponseRedirect(page)
    wanted = "off" if request.POST.get("wanted") == "off" else "on"
    query = {"wanted": wanted, "tid": request.POST.get("tid", "")[:36]}
    if not request.user.is_authenticated:
        unsent.keep(request, UNSENT, TYPED)
        return redirect_to_login(f"{page}?{urlencode(query)}")
    tenant = _tenant_to_switch(request, request.POST.get("tid"))
    form = StepBackSettingForm(request.POST)
    if not form.is_valid():
        if "seen_revision" in form.errors:
            form = _up_to_date(request, tenant)
            form.add_error(None, _("This form is out of date. Check the state and send it again."))
        return _page(request, tenant, form, wanted, status=HTTPStatus.BAD_REQUEST)
    try:
        change = tenant.switch_step_back(
            form.cleaned_data["wanted"],
            form.cleaned_data["minutes"],
            reason_kind=form.cleaned_data["reason_kind"],
            reason=form.cleaned_data["reason"],
            channel=Channel.PAGE,
            author=request.user,
            seen_revision=form.cleaned_data["seen_revision"],
        )
    except RolesTooOld:
        unsent.keep(request, UNSENT, TYPED)
        return ask_again(request, f"{page}?{urlencode(query)}")
    except ChangedMeanwhile:
        since = tenant.changes.filter(revision__gt=form.cleaned_data["seen_revision"])
        meanwhile, form = list(since[:MOST_MEANWHILE]), _up_to_date(request, tenant)
        return _page(request, tenant, form, wanted, meanwhile, HTTPStatus.CONFLICT)
    except ValidationError as error:
        form.add_error(None, error)
        return _page(request, tenant, form, wanted, status=HTTPStatus.BAD_REQUEST)
    messages.success(request, _outcome(wanted, change))
    query = {"tabid": "autoRedirection", "tid": str(tenant.tid)}
    return HttpResponseRedirect(f"{reverse('redirection:settings')}?{urlencode(query)}")


def _tenant_to_switch(request: HttpRequest, tid: str | None) -> Tenant:
    tenant = tenant_to_see(request, tid)
    if not may(request.user, SWITCH_REDIRECTION, tenant):
        raise refused(request, tenant)
    return tenant


def _up_to_date(request: HttpRequest, tenant: Tenant) -> StepBackSettingForm:
    """What was typed, meant for the state that is shown now."""
    return StepBackSettingForm({**request.POST.dict(), "seen_revision": tenant.revision})


def _page(
    request: HttpRequest,
    tenant: Tenant,
    form: StepBackSettingForm,
    wanted: str,
    conflict: Iterable[Change] = (),
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    context = {
        **tenants_shown(request, tenant),
        "form": form,
        "wanted": wanted,
        "unsent_owner": unsent.owner(request, tenant),
        "conflict": conflict,
        "confirm": wanted,
    }
    return render(request, "redirection/step_back_setting.html", context, status=status)


def _outcome(wanted: str, change: Change | None) -> str:
    if change is None:
        return _("It already was like that. Nothing changed.")
    if wanted == "on":
        return _("People may now open the old page for one task.")
    return _("Opening the old page for one task is off. Whoever does so now follows at once.")
