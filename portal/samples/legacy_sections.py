"""What the sample legacy portal shows: its menu and a few believable rows, nobody's data.

Titles and columns are translated; the rows stand for data and stay as they are.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from redirection.feature_names import feature_name
from redirection.routes import ROUTES


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a section's table; ``link`` is where its first cell leads, or empty."""

    cells: tuple[str | Promise, ...]
    link: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One hash-routed page: its route as in the route table, title, and table."""

    route: str
    title: str | Promise
    columns: tuple[str | Promise, ...] = ()
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class MenuGroup:
    """A menu of the top bar; without ``title`` its one section stands there itself."""

    title: str | Promise
    sections: tuple[Section, ...]


HOME = "dashboard"


def _user_link(object_id: str) -> str:
    """A user's link as the legacy portal wrote it: the base64 of a JSON document."""
    document = json.dumps({"id": object_id, "saas": 11161, "inst": 0})
    return f"#/users/{base64.b64encode(document.encode()).decode()}"


# What the old menu called a page, where the destination calls it otherwise.
_TITLES = {
    "dashboard": _("Dashboard"),
    "discovery": _("Cloud Discovery dashboard"),
    "users": _("Users and accounts"),
    "services": _("Connected apps"),
    "policy": _("Policies"),
    "policies": _("Policies"),
    "templates": _("Templates"),
    "policy/templates": _("Templates"),
    "manage-admins": _("Manage admin access"),
}
# Other spellings of the same page, seen in links.
_SAME_AS = {
    "policies": "policy",
    "catalog": "app-catalog",
    "connected-apps": "services",
    "policy/templates": "templates",
}
_TABLES: dict[str, tuple[tuple[str | Promise, ...], tuple[Row, ...]]] = {
    "dashboard": (
        (_("Today"), _("Count")),
        (
            Row(("Open alerts", "3"), "#/alerts"),
            Row(("Activities", "1,284"), "#/audits"),
            Row(("Discovered apps", "212"), "#/discovered-apps"),
        ),
    ),
    "audits": (
        (_("Activity"), _("User"), _("App")),
        (
            Row(("Mass download", "megan", "SharePoint"), "#/audits?activity.id=eq(abc123,)"),
            Row(("Log on from a new country", "alex", "Exchange"), "#/audits?service=eq(i:20893,)"),
            Row(("File shared with anyone", "lee", "OneDrive"), "#/audits?tab=shares"),
        ),
    ),
    "alerts": (
        (_("Alert"), _("Severity"), _("Status")),
        (
            Row(("Impossible travel", "Medium", "Open"), "#/alerts/5f3e9c2ab1d04e7788990a1b"),
            Row(("Mass download by one user", "High", "Open"), "#/alerts/603c1d7e55aa4b2211334455"),
        ),
    ),
    "users": (
        (_("Name"), _("Accounts"), _("Last seen")),
        (
            Row(("Megan Bowen", "3", "Today"), _user_link("87d349ed-44d7-43e1-9a83-5f2406dee5bd")),
            Row(("Alex Wilber", "2", "Yesterday"), "#/users/not-a-directory-object"),
        ),
    ),
    "policy": (
        (_("Policy"), _("Type"), _("Matches")),
        (
            Row(
                ("Mass download by a single user", "Activity", "4"),
                "#/policy/?id=eq(5f3e9c2ab1d04e7788990a1c,)",
            ),
            Row(("Publicly shared source code", "File", "11"), "#/policy"),
        ),
    ),
    "templates": (
        (_("Template"), _("Severity")),
        (Row(("Mass download", "High"), "#/templates?name=eq(mass%2520download)"),),
    ),
    "discovery": (
        (_("Category"), _("Apps"), _("Traffic")),
        (
            Row(("Cloud storage", "41", "310 GB"), "#/discovery?tab=dashboard"),
            Row(("Collaboration", "63", "122 GB"), "#/discovered-apps"),
        ),
    ),
    "discovered-apps": (
        (_("App"), _("Score"), _("Users")),
        (
            Row(("Dropbox", "9", "118"), "#/app-catalog?text=dropbox"),
            Row(("Trello", "8", "54"), "#/app-catalog?text=trello"),
        ),
    ),
    "app-catalog": (
        (_("App"), _("Category"), _("Score")),
        (Row(("Dropbox", "Cloud storage", "9")), Row(("Trello", "Collaboration", "8"))),
    ),
    "files": (
        (_("File"), _("Owner"), _("Access")),
        (Row(("Budget.xlsx", "megan", "Internal")), Row(("Roadmap.pptx", "lee", "Public"))),
    ),
    "app-permissions": (
        (_("App"), _("Permission level"), _("Users")),
        (
            Row(
                ("Calendar helper", "High", "17"),
                "#/app-permissions/?permissionLevel=eq(i:2,i:1)&tab=11161",
            ),
        ),
    ),
    "services": (
        (_("App"), _("Status"), _("Accounts")),
        (
            Row(("Google Workspace", "Connected", "240"), "#/services/11770?tab=files"),
            Row(("Box", "Connected", "96"), "#/services/10489"),
        ),
    ),
    "governancelog": (
        (_("Action"), _("Target"), _("Status")),
        (Row(("Notify user", "megan", "Done")), Row(("Quarantine file", "Roadmap.pptx", "Done"))),
    ),
    "reports": ((_("Report"), _("Made")), (Row(("Discovered apps, 30 days", "Yesterday")),)),
    "manage-admins": (
        (_("Role"), _("People")),
        (Row(("Global administrator", "2")), Row(("Security reader", "5"))),
    ),
    "settings": (
        (_("Setting"),),
        tuple(
            Row((feature_name(route.feature),), f"#/{name}")
            for name, route in ROUTES.items()
            if name.startswith("settings/")
        ),
    ),
}
_MENU: tuple[tuple[str | Promise, tuple[str, ...]], ...] = (
    ("", ("dashboard",)),
    (
        _("Discover"),
        (
            "discovery",
            "discovered-apps",
            "discovered-resources",
            "discovered-ips",
            "discovered-users",
            "discovered-devices",
            "app-catalog",
        ),
    ),
    (
        _("Investigate"),
        (
            "audits",
            "files",
            "users",
            "security-configuration",
            "identity-security-posture",
            "app-permissions",
            "services",
        ),
    ),
    (_("Control"), ("policy", "templates")),
    ("", ("alerts",)),
    (_("Settings"), ("settings", "manage-admins", "governancelog", "reports")),
)


def _section(route: str) -> Section:
    columns, rows = _TABLES.get(_SAME_AS.get(route, route), ((), ()))
    return Section(route, _TITLES.get(route, feature_name(ROUTES[route].feature)), columns, rows)


SECTIONS = {route: _section(route) for route in ROUTES}
MENU = tuple(
    MenuGroup(title, tuple(SECTIONS[route] for route in routes)) for title, routes in _MENU
)
