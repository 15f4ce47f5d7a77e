"""Settings > Cloud apps > System > Redirection: see the state, and switch it."""

from __future__ import annotations

import logging
from http import HTTPStatus
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from redirection.forms import SwitchForm
from redirection.models import Change, ChangedMeanwhile, Channel, Tenant
from redirection.permissions import SWITCH_REDIRECTION, VIEW_REDIRECTION
from redirection.views.visited import visited_tenant

logger = logging.getLogger(__name__)

TAB = "autoRedirection"
HISTORY_LENGTH = 50


@never_cache
@require_GET
@login_required
def settings_page(request: HttpRequest) -> HttpResponse:
    """The page for whoever may see it; ``?confirm=on|off`` opens the confirmation."""
    if request.GET.get("tabid", TAB) != TAB:
        raise Http404
    tenant = _tenant_to_see(request, request.GET.get("tid"))
    wanted = request.GET.get("confirm", "")
    if wanted not in ("on", "off") or (wanted == "on") == tenant.is_on:
        wanted = ""
    form = SwitchForm(
        initial={"wanted": wanted, "seen_revision": tenant.revision, "tid": tenant.tid}
    )
    return _page(request, tenant, form, wanted)


@never_cache
@require_POST
@login_required
def switch_redirection(request: HttpRequest) -> HttpResponse:
    """Set the wanted state: a change and its history row, or an explanation and no change."""
    tenant = _tenant_to_see(request, request.POST.get("tid"))
    if not request.user.has_perm(SWITCH_REDIRECTION, tenant):
        raise _refused(request, tenant)
    form = SwitchForm(request.POST)
    if not form.is_valid():
        wanted = "" if "wanted" in form.errors else form.cleaned_data["wanted"]
        if "seen_revision" in form.errors:
            form = _up_to_date(request, tenant)
            form.add_error(None, _("This form is out of date. Check the state and send it again."))
        return _page(request, tenant, form, wanted, status=HTTPStatus.BAD_REQUEST)
    wanted = form.cleaned_data["wanted"]
    try:
        change = tenant.switch_redirection(
            wanted,
            reason=form.cleaned_data["reason"],
            channel=Channel.PAGE,
            author=request.user,
            seen_revision=form.cleaned_data["seen_revision"],
        )
    except ChangedMeanwhile as meanwhile:
        form = _up_to_date(request, tenant)
        return _page(request, tenant, form, wanted, meanwhile.change, HTTPStatus.CONFLICT)
    except ValidationError as error:
        form.add_error(None, error)
        return _page(request, tenant, form, wanted, status=HTTPStatus.BAD_REQUEST)
    messages.success(request, _outcome(wanted, change))
    query = urlencode({"tabid": TAB, "tid": tenant.tid})
    return HttpResponseRedirect(f"{reverse('redirection:settings')}?{query}")


def _up_to_date(request: HttpRequest, tenant: Tenant) -> SwitchForm:
    """What was typed, meant for the state that is shown now."""
    return SwitchForm({**request.POST.dict(), "seen_revision": tenant.revision})


def _page(
    request: HttpRequest,
    tenant: Tenant,
    form: SwitchForm,
    confirm: str,
    conflict: Change | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    changes = list(tenant.changes.exclude(what="tenant")[:HISTORY_LENGTH])
    may_switch = request.user.has_perm(SWITCH_REDIRECTION, tenant)
    context = {
        "tenant": tenant,
        "may_switch": may_switch,
        "confirm": confirm if may_switch and not tenant.is_forced else "",
        "form": form,
        "conflict": conflict,
        "changes": changes,
        "last_change": changes[0] if changes else None,
        "other_tenants": Tenant.objects.known_to(request.user).exclude(pk=tenant.pk),
    }
    return render(request, "redirection/settings.html", context, status=status)


def _tenant_to_see(request: HttpRequest, tid: str | None) -> Tenant:
    """The tenant visited; Http404 for a foreign one, PermissionDenied without the role."""
    tenant = visited_tenant(request, tid)
    if not request.user.has_perm(VIEW_REDIRECTION, tenant):
        raise _refused(request, tenant)
    return tenant


def _refused(request: HttpRequest, tenant: Tenant) -> PermissionDenied:
    logger.warning(
        "Refused: %s %s for %s by %s",
        request.method, request.path, tenant.name, request.user.get_username(),
    )  # fmt: skip
    return PermissionDenied(
        _(
            "Your roles in %(tenant)s do not allow this. Ask a Global, Security or Cloud App "
            "Security administrator."
        )
        % {"tenant": tenant}
    )


def _outcome(wanted: str, change: Change | None) -> str:
    if change is None:
        if wanted == "on":
            return _("Automatic redirection already was on. Nothing changed.")
        return _("Automatic redirection already was off. Nothing changed.")
    if wanted == "on":
        return _("Automatic redirection is on. New sessions and new tabs follow from now.")
    return _("Automatic redirection is off. New requests stay on the legacy portal.")
