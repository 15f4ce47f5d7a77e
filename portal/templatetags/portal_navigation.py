"""The menus of both portals: only entries which work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from portal.samples.destination import PLACES, SETTINGS_PATH
from portal.samples.legacy_sections import MENU
from redirection.feature_names import feature_name

register = template.Library()


@dataclass(frozen=True, slots=True)
class Entry:
    label: str | Promise
    address: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    entries: list[Entry] = field(default_factory=list)


@register.inclusion_tag("portal/_navigation.html", takes_context=True)
def main_navigation(context: template.Context) -> dict[str, Sequence[Group]]:
    """The destination's menu: its sample pages, if they are on, and the settings."""
    request = context.get("request")
    here = request.path if request else ""
    cloud_apps, top = Group(_("Cloud apps")), Group("")
    for place in PLACES if settings.PORTAL_SAMPLE_PAGES else ():
        # Tabs of a page are found there; a user's page needs a user.
        if not place.parameters and place.path not in (SETTINGS_PATH, "/user/"):
            group = cloud_apps if place.path.startswith("/cloudapps/") else top
            group.entries.append(Entry(feature_name(place.feature), place.path, place.path == here))
    address = f"{reverse('redirection:settings')}?tabid=autoRedirection"
    roles = reverse("redirection:roles")
    system = Group(
        "",
        [
            Entry(_("Settings"), address, here.startswith(SETTINGS_PATH)),
            Entry(_("Permissions"), roles, here.startswith(roles)),
        ],
    )
    top.entries.sort(key=lambda entry: entry.address)
    return {"groups": [group for group in (top, cloud_apps, system) if group.entries]}


@register.inclusion_tag("legacy/_menu.html")
def legacy_menu() -> dict[str, Any]:
    """The sample legacy portal's menu; nothing where there is no sample."""
    return {"menu": MENU if settings.PORTAL_SAMPLE_PAGES else ()}


@register.simple_tag
def sample_pages() -> bool:
    """Whether this site shows sample pages, which it then says."""
    return settings.PORTAL_SAMPLE_PAGES
