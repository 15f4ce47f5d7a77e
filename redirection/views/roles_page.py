"""Permissions > Cloud apps > Roles: see who has a local role, give, change and take them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from redirection import unsent
from redirection.conf import conf
from redirection.models import (
    Channel,
    LastWayIn,
    LocalRole,
    LocalRoleChange,
    LocalRoleChangedMeanwhile,
    Tenant,
)
from redirection.permissions import SWITCH_REDIRECTION, RolesTooOld, may
from redirection.role_forms import NO_ROLE, ChooseLocalRoleForm, GiveLocalRoleForm, people_of
from redirection.role_names import local_role_gives, local_role_name
from redirection.standings import standing_of, standings
from redirection.views.ask_again import ask_again
from redirection.views.visited import refused, tenant_to_see, tenants_shown

HISTORY_LENGTH = 50
UNSENT = "local_role"
CHOSEN = ("person", "object_id", "name", "role")
LONGEST_CHOICE = 200


@never_cache
@require_safe
@login_required
def roles_page(request: HttpRequest) -> HttpResponse:
    """The page for whoever may see it; with ``?role=`` chosen, the confirmation as well."""
    tenant = tenant_to_see(request, request.GET.get("tid"))
    asked = _with_person(tenant, request.GET)
    person = _person_in(tenant, asked)
    if not may(request.user, SWITCH_REDIRECTION, tenant):
        return _page(request, tenant)
    held = standing_of(tenant, person).role if person else ""
    initial = {"person": person, "role": held}
    if "role" not in asked:
        return _page(request, tenant, ChooseLocalRoleForm(tenant, initial=initial))
    choice = ChooseLocalRoleForm(tenant, asked, initial=initial)
    if not choice.is_valid():
        return _page(request, tenant, choice, status=HTTPStatus.BAD_REQUEST)
    if (choice.wanted or "") == held:
        already = _("%(role)s: that is so already.") % {"role": local_role_name(held)}
        choice.add_error("role", already)
        return _page(request, tenant, choice)
    typed = unsent.take(request, UNSENT, tenant)
    if typed and all(typed.get(name, "") == asked.get(name, "") for name in CHOSEN):
        messages.info(request, _("You signed in again. Check what you typed and send it."))
    else:
        typed = {}
    chosen = {name: choice.cleaned_data[name] for name in CHOSEN}
    kept = {"reason": typed.get("reason", ""), "seen_role": held, "tid": tenant.tid}
    form = GiveLocalRoleForm(tenant, initial=chosen | kept)
    return _confirm_page(request, tenant, form, choice)


# Whoever is not signed in any more is sent to do so by the view itself: the middleware would
# lose what they typed. A GET is somebody who reloads the answer to their form.
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_not_required
def give_local_role(request: HttpRequest) -> HttpResponse:
    """Give or take a local role: a change and its history row, or an explanation and no change."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("redirection:roles"))
    if not request.user.is_authenticated:
        unsent.keep(request, UNSENT, (*CHOSEN, "reason"))
        return redirect_to_login(_address(request.POST))
    tenant = tenant_to_see(request, request.POST.get("tid"))
    if not may(request.user, SWITCH_REDIRECTION, tenant):
        raise refused(request, tenant)
    posted = _with_person(tenant, request.POST)
    person = _person_in(tenant, posted)
    choice = ChooseLocalRoleForm(tenant, posted, initial={"person": person})
    if not choice.is_valid():
        return _page(request, tenant, choice, status=HTTPStatus.BAD_REQUEST)
    form = GiveLocalRoleForm(tenant, posted)
    if not form.is_valid():
        return _confirm_page(request, tenant, form, choice, status=HTTPStatus.BAD_REQUEST)
    try:
        change = _give(request, tenant, form)
    except RolesTooOld:
        unsent.keep(request, UNSENT, (*CHOSEN, "reason"))
        return ask_again(request, _address(request.POST))
    except LocalRoleChangedMeanwhile as meanwhile:
        # Sent again, it is meant for the role that is shown now.
        form = GiveLocalRoleForm(tenant, {**posted.dict(), "seen_role": meanwhile.role})
        return _confirm_page(request, tenant, form, choice, meanwhile, HTTPStatus.CONFLICT)
    except LastWayIn as error:
        form.add_error("even_the_last", error)
        return _confirm_page(request, tenant, form, choice, status=HTTPStatus.CONFLICT)
    except ValidationError as error:
        form.add_error(None, error)
        return _confirm_page(request, tenant, form, choice, status=HTTPStatus.BAD_REQUEST)
    messages.success(request, _outcome(change))
    return HttpResponseRedirect(f"{reverse('redirection:roles')}?tid={tenant.tid}")


def _give(request: HttpRequest, tenant: Tenant, form: GiveLocalRoleForm) -> LocalRoleChange | None:
    data = form.cleaned_data
    how: dict[str, Any] = {
        "reason": data["reason"],
        "channel": Channel.PAGE,
        "author": request.user,
        "seen_role": data["seen_role"],
        "even_the_last": data["even_the_last"],
    }
    if data["person"]:
        return LocalRole.objects.give_local_role(tenant, data["person"], form.wanted, **how)
    return LocalRole.objects.invite(
        tenant, tenant, data["object_id"], form.wanted, data["name"], **how
    )


def _with_person(tenant: Tenant, data: QueryDict) -> QueryDict:
    """``data`` with the person instead of an object id, if the tenant knows somebody by it."""
    if data.get("person") or not data.get("object_id") or not conf().invite_path:
        return data
    try:
        person = LocalRole.objects.known_by(tenant, UUID(str(data["object_id"])))
    except ValueError:
        return data
    if person is None or not people_of(tenant).filter(pk=person.pk).exists():
        return data
    data = data.copy()
    data["person"], data["object_id"], data["name"] = str(person.pk), "", ""
    return data


def _person_in(tenant: Tenant, data: QueryDict) -> Any:
    """The person named by ``person``, or None without one; Http404 for a foreign one."""
    if not data.get("person"):
        return None
    try:
        found = people_of(tenant).filter(pk=data["person"]).first()
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise Http404
    return found


def _address(data: QueryDict) -> str:
    """The page, with what was chosen in a form."""
    query = {name: data[name][:LONGEST_CHOICE] for name in ("tid", *CHOSEN) if data.get(name)}
    return f"{reverse('redirection:roles')}?{urlencode(query)}"


def _confirm_page(
    request: HttpRequest,
    tenant: Tenant,
    form: GiveLocalRoleForm,
    choice: ChooseLocalRoleForm,
    conflict: LocalRoleChangedMeanwhile | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    """The page with the confirmation of a valid choice."""
    person, role = choice.cleaned_data["person"], choice.wanted or ""
    standing = standing_of(tenant, person) if person else None
    confirm: dict[str, Any] = {
        "form": form,
        "who": person or choice.cleaned_data["name"] or choice.cleaned_data["object_id"],
        "standing": standing,
        "is_oneself": person == request.user,
        "role_name": local_role_name(role),
        "role_gives": local_role_gives(role),
        "access_name": standing.access_name_with(role) if standing else "",
        "is_last_way_in": bool(person)
        and LocalRole.objects.is_last_way_in(tenant, person, choice.wanted),
    }
    return _page(request, tenant, choice, confirm, conflict, status)


def _page(
    request: HttpRequest,
    tenant: Tenant,
    choice: ChooseLocalRoleForm | None = None,
    confirm: dict[str, Any] | None = None,
    conflict: LocalRoleChangedMeanwhile | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    if choice is not None:
        choice.offer_people()
    changes = list(tenant.local_role_changes.all()[: HISTORY_LENGTH + 1])
    context = {
        **tenants_shown(request, tenant),
        "standings": standings(tenant),
        "changes": changes[:HISTORY_LENGTH],
        "history_length": HISTORY_LENGTH if len(changes) > HISTORY_LENGTH else None,
        "choice": choice,
        "unsent_owner": unsent.owner(request, tenant),
        "confirm": confirm,
        "conflict": conflict,
        "conflict_role": local_role_name(conflict.role) if conflict else "",
        "no_role": NO_ROLE,
    }
    return render(request, "redirection/roles.html", context, status=status)


def _outcome(change: LocalRoleChange | None) -> str:
    if change is None:
        return _("The person already had that role. Nothing changed.")
    if not change.after:
        return _("%(person)s has no local role any more.") % {"person": change.person_name}
    return _("%(person)s has the local role %(role)s.") % {
        "person": change.person_name,
        "role": change.get_after_display(),
    }
