"""The sample legacy portal: a small hash-routed portal with the old menu."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from portal.samples.legacy_sections import HOME, SECTIONS, Section
from redirection import switches
from redirection.deep_links import destination_for
from redirection.models import Tenant
from redirection.visits import Visit

NOTES = "sample_notes"
# A visitor's notes live in the session, which is no place for a long list.
MOST_NOTES = 20
LONGEST_ADDRESS = 2000


class NoteForm(forms.Form):
    """A note that lives in the visitor's own session."""

    text = forms.CharField(
        label=gettext_lazy("Add a note to this page"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": gettext_lazy("Write something first.")},
    )


# The samples hold nobody's data and are public on purpose: a newcomer sees the journey at once.
@login_not_required
@require_safe
def shell(request: HttpRequest, route: str = "") -> HttpResponse:
    """The one document of the portal, at the section the path names; 404 for any other path."""
    nobody = _no_tenant(request)
    if nobody is not None:
        return nobody
    return _page(request, _section_at(request.path), NoteForm(), request.get_full_path())


@login_not_required
@require_POST
def add_note(request: HttpRequest) -> HttpResponse:
    """Keep a note and go back to its page; with an error, the page with what was typed."""
    nobody = _no_tenant(request)
    if nobody is not None:
        return nobody
    back = _way_back(request.POST.get("page", ""))
    form = NoteForm(request.POST)
    if not form.is_valid():
        section = _section_at(back.partition("?")[0])
        return _page(request, section, form, back, status=HTTPStatus.BAD_REQUEST)
    notes = request.session.get(NOTES, {})
    mine = [*notes.get(_notes_of(request), []), {"page": back, "text": form.cleaned_data["text"]}]
    request.session[NOTES] = {**notes, _notes_of(request): mine[-MOST_NOTES:]}
    messages.success(request, _("The note is kept until you sign out."))
    response = HttpResponseRedirect(back)
    response.status_code = HTTPStatus.SEE_OTHER
    return response


# Callbacks are posted by other sites; it stores nothing and answers everybody the same.
@csrf_exempt
@login_not_required
def not_a_page(request: HttpRequest) -> HttpResponse:
    """Stands for the programming interface and the callbacks: these never move."""
    visit = _visit(request)
    tenant = _tenant(request)
    if visit.host is not None and visit.host.tenant and tenant is None and switches.held().loaded:
        return JsonResponse({"error": "unknown organisation"}, status=HTTPStatus.NOT_FOUND)
    rows = [row.cells[0] for row in SECTIONS["alerts"].rows]
    return JsonResponse(
        {
            "sample": True,
            "organisation": tenant.name if tenant else None,
            "path": request.path,
            "alerts": rows,
        }
    )


def _page(
    request: HttpRequest, section: Section, form: NoteForm, address: str, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "sections": SECTIONS.values(),
        "shown": section,
        "form": form,
        "address": address,
        "notes": request.session.get(NOTES, {}).get(_notes_of(request), []),
        "parameters": [(name, value) for name, values in request.GET.lists() for value in values],
    }
    return render(request, "legacy/portal.html", context, status=status)


def _no_tenant(request: HttpRequest) -> HttpResponse | None:
    """The page for a host that shows no tenant; None where there is one to show."""
    # A worker that has never read the settings lets everybody through to the portal.
    if _tenant(request) is not None or not switches.held().loaded:
        return None
    host = _visit(request).host
    if host is None or host.tenant is not None:
        return render(request, "legacy/unknown.html", status=HTTPStatus.NOT_FOUND)
    known = Tenant.objects.known_to(request.user) if request.user.is_authenticated else ()
    here, page = request.get_host(), request.get_full_path()
    choices = [(tenant.title, f"{request.scheme}://{tenant.name}.{here}{page}") for tenant in known]
    if len(choices) == 1:
        # Nothing to choose; the browser takes the part behind "#" along.
        return HttpResponseRedirect(choices[0][1])
    return render(request, "legacy/choose.html", {"choices": choices, "here": here})


def _visit(request: HttpRequest) -> Visit:
    visit: Visit = request.redirection  # type: ignore[attr-defined]
    return visit


def _tenant(request: HttpRequest) -> Any:
    """What is held about the tenant shown, or None."""
    visit = _visit(request)
    if visit.tenant is not None or visit.host is None or visit.host.tenant is None:
        return visit.tenant
    # Only page loads are decided on; a form or a background call has nothing but its host.
    return switches.held().by_name.get(visit.host.tenant)


def _notes_of(request: HttpRequest) -> str:
    """The key of this tenant's notes: one session spans the hosts of all tenants."""
    tenant = _tenant(request)
    return tenant.tid if tenant else request.get_host()


def _section_at(path: str) -> Section:
    """The section of a path, found in the route table as any old link is. Raises Http404."""
    route = destination_for(path).route.removesuffix("/*") or HOME
    if route not in SECTIONS:
        raise Http404
    return SECTIONS[route]


def _way_back(address: str) -> str:
    """``address`` if it is a page of this portal, else the start page."""
    if (
        len(address) > LONGEST_ADDRESS
        or not address.startswith("/")
        or not url_has_allowed_host_and_scheme(address, allowed_hosts=None)
        or destination_for(address.partition("?")[0]).route == "*"
    ):
        return "/"
    return address
