"""The sample destination: a page for every place the route table leads to."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from django.contrib.auth.decorators import login_not_required, login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from redirection.deep_links import Counterpart
from redirection.routes import ROUTES
from redirection.views import settings_page

SETTINGS_PATH = "/cloudapps/settings"
ROLES_PATH = "/cloudapps/permissions/roles"
# The page of one user; the table's row leads to the list of users.
_USER_PAGE = ("/user/", "User page")


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the destination: name, path, and the parameters that belong to its address."""

    feature: str
    path: str
    parameters: tuple[tuple[str, str], ...] = ()


def _places() -> list[Place]:
    found = {_USER_PAGE[0]: Place(_USER_PAGE[1], _USER_PAGE[0])}
    for route in ROUTES.values():
        if route.counterpart is not Counterpart.NONE:
            path, _, query = route.target.partition("?")
            found.setdefault(route.target, Place(route.feature, path, tuple(parse_qsl(query))))
    # Redirection itself and the local roles are real pages.
    return [
        place
        for place in found.values()
        if ("tabid", "autoRedirection") not in place.parameters and place.path != ROLES_PATH
    ]


PLACES = _places()
PATHS = sorted({place.path for place in PLACES} - {SETTINGS_PATH})


# The samples hold nobody's data and are public on purpose: a newcomer sees where a link leads.
@login_not_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The sample page of this path, with the parameters that arrived."""
    return _render(request, _place_at(request) or Place("", request.path))


@login_not_required
def settings_tab(request: HttpRequest) -> HttpResponse:
    """A sample for the tabs that have one; every other tab is the redirection app's to answer."""
    place = _place_at(request)
    if place is None or not place.parameters:
        # The mark above is for the samples only.
        return login_required(settings_page)(request)
    return _render(request, place)


def _place_at(request: HttpRequest) -> Place | None:
    """The place whose path and parameters fit best, or None."""
    fitting = [
        place
        for place in PLACES
        if place.path == request.path
        and all(request.GET.get(name) == value for name, value in place.parameters)
    ]
    return max(fitting, key=lambda place: len(place.parameters), default=None)


def _render(request: HttpRequest, place: Place) -> HttpResponse:
    parameters = [(name, value) for name, values in request.GET.lists() for value in values]
    return render(request, "samples/page.html", {"place": place, "parameters": parameters})
