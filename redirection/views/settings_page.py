"""Settings > Cloud apps > System > Redirection: see the state, and switch it."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from redirection import unsent
from redirection.forms import SwitchForm
from redirection.models import Change, ChangedMeanwhile, Channel, StepBack, Tenant
from redirection.overview import MONTH, overview_of
from redirection.permissions import SWITCH_REDIRECTION, RolesTooOld, may
from redirection.views.ask_again import ask_again
from redirection.views.receipt import receipt_of
from redirection.views.visited import refused, tenant_to_see, tenants_shown

TAB = "autoRedirection"
# The newest changes; all of them stand on the history page.
NEWEST_CHANGES = 5
# Whoever was away for longer reads the rest in the history.
MOST_MEANWHILE = 10
OUT_OF_DATE = gettext_lazy("This form is out of date. Check the state and send it again.")
UNSENT = "switch"
TYPED = ("wanted", "reason_kind", "reason")


@never_cache
@require_safe
@login_required
def settings_page(request: HttpRequest) -> HttpResponse:
    """The page for whoever may see it; ``?confirm=on|off`` opens the confirmation."""
    if request.GET.get("tabid", TAB) != TAB:
        raise Http404
    tenant = tenant_to_see(request, request.GET.get("tid"))
    wanted = request.GET.get("confirm", "")
    if wanted == ("on" if tenant.is_on else "off"):
        messages.info(request, _outcome(wanted, has_changed=False))
    if wanted not in ("on", "off") or (wanted == "on") == tenant.is_on:
        wanted = ""
    typed = unsent.take(request, UNSENT, tenant) if wanted else None
    if typed:
        messages.info(request, _("You signed in again. Check what you typed and send it."))
    form = SwitchForm(
        initial={
            **(typed or {}),
            "wanted": wanted,
            "seen_revision": tenant.revision,
            "tid": tenant.tid,
        }
    )
    return _page(request, tenant, form, wanted)


# Whoever is not signed in any more is sent to do so by the view itself: the middleware would
# lose what they typed. A GET is somebody who reloads the answer to their form.
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_not_required
def switch_redirection(request: HttpRequest) -> HttpResponse:
    """Set the wanted state: a change and its history row, or an explanation and no change."""
    page = f"{reverse('redirection:settings')}?tabid={TAB}"
    if request.method != "POST":
        return HttpResponseRedirect(page)
    if not request.user.is_authenticated:
        unsent.keep(request, UNSENT, TYPED)
        query = {"confirm": "off" if request.POST.get("wanted") == "off" else "on"}
        if tid := request.POST.get("tid", "")[:36]:
            query["tid"] = tid
        return redirect_to_login(f"{page}&{urlencode(query)}")
    tenant = tenant_to_see(request, request.POST.get("tid"))
    if not may(request.user, SWITCH_REDIRECTION, tenant):
        raise refused(request, tenant)
    form = SwitchForm(request.POST)
    if not form.is_valid():
        return _not_accepted(request, tenant, form)
    wanted = form.cleaned_data["wanted"]
    try:
        change = tenant.switch_redirection(
            wanted,
            reason_kind=form.cleaned_data["reason_kind"],
            reason=form.cleaned_data["reason"],
            channel=Channel.PAGE,
            author=request.user,
            seen_revision=form.cleaned_data["seen_revision"],
        )
    except RolesTooOld:
        unsent.keep(request, UNSENT, TYPED)
        return ask_again(request, f"{_address(tenant)}&confirm={wanted}")
    except ChangedMeanwhile:
        return _conflict(request, tenant, form)
    except ValidationError as error:
        form.add_error(None, error)
        return _page(request, tenant, form, wanted, status=HTTPStatus.BAD_REQUEST)
    meanwhile = _meanwhile(tenant, form)
    # A double click, a repeated form or a retry finds the very change it asked for.
    if change is None and not _is_own(meanwhile, request, form):
        return _page(request, tenant, form, "", meanwhile)
    messages.success(request, _outcome(wanted, bool(meanwhile)))
    return HttpResponseRedirect(_address(tenant))


def _conflict(request: HttpRequest, tenant: Tenant, form: SwitchForm) -> HttpResponse:
    """The page with what changed meanwhile, and what was typed for the state shown now."""
    meanwhile = _meanwhile(tenant, form)
    wanted = form.cleaned_data["wanted"]
    if (wanted == "on") == tenant.is_on:
        # There is nothing left to confirm.
        wanted = ""
    form = _up_to_date(request, tenant)
    if not meanwhile:
        form.add_error(None, OUT_OF_DATE)
    return _page(request, tenant, form, wanted, meanwhile, HTTPStatus.CONFLICT)


def _is_own(meanwhile: list[Change], request: HttpRequest, form: SwitchForm) -> bool:
    """Whether the setting did not change meanwhile, but for what this form asked for."""
    asked = (request.user.pk, form.cleaned_data["reason"])
    newest = next((change for change in meanwhile if change.what == "setting"), None)
    return newest is None or (newest.author_id, newest.reason) == asked


def _not_accepted(request: HttpRequest, tenant: Tenant, form: SwitchForm) -> HttpResponse:
    """The page with what is wrong, and what was typed."""
    wanted = "" if "wanted" in form.errors else form.cleaned_data["wanted"]
    wrong = next(iter(form.errors))
    if {"seen_revision", "tid"} & form.errors.keys():
        form = _up_to_date(request, tenant)
        form.add_error(None, OUT_OF_DATE)
    elif wrong in form.fields:
        form.fields[wrong].widget.attrs["autofocus"] = True
    return _page(request, tenant, form, wanted, status=HTTPStatus.BAD_REQUEST)


def _meanwhile(tenant: Tenant, form: SwitchForm) -> list[Change]:
    """What happened to the tenant since the form was made, the newest first."""
    since = tenant.changes.filter(revision__gt=form.cleaned_data["seen_revision"])
    return list(since[:MOST_MEANWHILE])


def _address(tenant: Tenant) -> str:
    return f"{reverse('redirection:settings')}?{urlencode({'tabid': TAB, 'tid': tenant.tid})}"


def _up_to_date(request: HttpRequest, tenant: Tenant) -> SwitchForm:
    """What was typed, meant for the state that is shown now."""
    typed = request.POST.dict()
    return SwitchForm({**typed, "seen_revision": tenant.revision, "tid": tenant.tid})


def _page(
    request: HttpRequest,
    tenant: Tenant,
    form: SwitchForm,
    confirm: str,
    conflict: Iterable[Change] = (),
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    changes = list(tenant.changes.all()[:NEWEST_CHANGES])
    may_switch = may(request.user, SWITCH_REDIRECTION, tenant)
    context = {
        **tenants_shown(request, tenant),
        "may_switch": may_switch,
        "confirm": confirm if may_switch and not tenant.is_forced else "",
        "form": form,
        "unsent_owner": unsent.owner(request, tenant),
        "conflict": conflict,
        "changes": changes,
        "overview": overview_of(tenant, timezone.now()),
        "receipt": receipt_of(tenant),
        "step_backs": StepBack.objects.of(tenant, timezone.now(), MONTH),
        "last_change": changes[0] if changes else None,
    }
    return render(request, "redirection/settings.html", context, status=status)


def _outcome(wanted: str, has_changed: bool) -> str:
    if not has_changed:
        if wanted == "on":
            return _("Automatic redirection already was on. Nothing changed.")
        return _("Automatic redirection already was off. Nothing changed.")
    if wanted == "on":
        return _("Automatic redirection is on. Where the change has arrived stands below.")
    return _("Automatic redirection is off. Where the change has arrived stands below.")
