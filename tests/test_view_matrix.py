"""Every view of the project: who gets which answer, by method, for their own tenant and another.

A view without a line in the table fails. The lines are written by hand from what the pages are
for; the questions are generated.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

import portal.urls
from portal.models import Person
from redirection.models import (
    Feedback,
    LocalRole,
    LocalRoleChange,
    RoleSnapshot,
    Screenshot,
    Tenant,
    Trouble,
)
from redirection.roles import GLOBAL_ADMINISTRATOR, LocalRoleName
from tests.conftest import PAGE_LOAD, MakePerson

HOSTS = {"portal.urls": "security.localhost", "portal.legacy_urls": "contoso.portal.localhost"}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
SAFE = ("GET", "HEAD")
# In the order of the columns below.
ROLES = ("anonymous", "member", "reader", "switcher", "operator", "stranger")

OK = HTTPStatus.OK
AWAY = HTTPStatus.FOUND
FORBIDDEN = HTTPStatus.FORBIDDEN
MISSING = HTTPStatus.NOT_FOUND
NOT_SO = HTTPStatus.METHOD_NOT_ALLOWED
# A redirect to the sign-in page, and to nowhere else.
SIGN_IN = "sign in"

Answers = tuple[Any, ...]


def everybody(answer: Any) -> Answers:
    return (answer,) * len(ROLES)


def signed_in(answer: Any) -> Answers:
    """The default of the site: anonymous visitors sign in first."""
    return (SIGN_IN, *(answer,) * (len(ROLES) - 1))


@dataclass(frozen=True)
class View:
    """One view: an address with names of objects in braces, what is posted, and the answers.

    ``safe`` is for GET and HEAD, ``post`` for POST, ``rest`` for all other methods, HEAD too
    where a GET does something. Where ``foreign`` is given, people of contoso get it for
    fabrikam's objects.
    """

    address: str
    safe: Answers
    post: Answers
    rest: Answers
    data: Mapping[str, str] | None = None
    foreign: Answers | None = None
    get_does_something: bool = False

    def answers(self, method: str) -> Answers:
        if method == "GET" or (method == "HEAD" and not self.get_does_something):
            return self.safe
        return self.post if method == "POST" else self.rest


def public_page(address: str) -> View:
    return View(address, everybody(OK), everybody(NOT_SO), everybody(NOT_SO))


SEES = (SIGN_IN, FORBIDDEN, OK, OK, MISSING, MISSING)
SWITCHES = (SIGN_IN, FORBIDDEN, FORBIDDEN, AWAY, MISSING, MISSING)
FOREIGN = (SIGN_IN, MISSING, MISSING, MISSING, MISSING)

SIGN_IN_VIEWS = {
    "auth/sign-in": View(
        "/auth/sign-in", (OK, *(AWAY,) * 5), everybody(NOT_SO), everybody(NOT_SO)
    ),
    "auth/sign-out": View(
        "/auth/sign-out", everybody(NOT_SO), everybody(AWAY), everybody(NOT_SO)
    ),
    "auth/signed-out": public_page("/auth/signed-out"),
    "auth/check-roles": View(
        # These people signed in without Entra ID, which knows nothing of their roles.
        "/auth/check-roles", (SIGN_IN, *(FORBIDDEN,) * 5), everybody(NOT_SO), everybody(NOT_SO),
        get_does_something=True,
    ),
    "auth/front-channel-logout": View(
        "/auth/front-channel-logout", everybody(OK), everybody(NOT_SO), everybody(NOT_SO),
        get_does_something=True,
    ),
    "auth/login/<str:backend>/": View(
        "/auth/login/entra/", everybody(NOT_SO), everybody(AWAY), everybody(NOT_SO)
    ),
    "auth/complete/<str:backend>/": View(
        # Nobody has begun a sign-in here.
        "/auth/complete/entra/", everybody(FORBIDDEN), everybody(NOT_SO), everybody(NOT_SO),
        get_does_something=True,
    ),
}  # fmt: skip

SAMPLES = (
    "",
    "alerts",
    "cloudapps/activity-log",
    "cloudapps/app-catalog",
    "cloudapps/discovery",
    "cloudapps/exported-reports",
    "cloudapps/files",
    "cloudapps/governance-log",
    "cloudapps/oauth-apps",
    "cloudapps/permissions/activity-privacy",
    "cloudapps/policies/management",
    "cloudapps/policies/templates",
    "identities",
    "quarantine",
    "user/",
)

MY_FEEDBACK = View(
    # The report whose agreement is taken back is the switcher's.
    "/redirection/my-feedback", signed_in(OK),
    (SIGN_IN, MISSING, MISSING, AWAY, MISSING, MISSING), signed_in(NOT_SO),
    {"withdraw": "{feedback}"},
)  # fmt: skip
# The switcher's, with a picture: for admins of the organisation, and operators.
PICTURE = "/redirection/feedback/{feedback}/screenshot"
RATED = {"rating": "5", "kind": "praise"}
LANGUAGE = View(
    "/redirection/language", everybody(NOT_SO), everybody(AWAY), everybody(NOT_SO),
    {"language": "de", "next": "/"},
)  # fmt: skip
TABLE: dict[str, dict[str, View]] = {
    "portal.urls": {
        **SIGN_IN_VIEWS,
        "admin/": View(
            "/admin/",
            (AWAY, AWAY, AWAY, AWAY, OK, AWAY),
            (AWAY, AWAY, AWAY, AWAY, OK, AWAY),
            (AWAY, AWAY, AWAY, AWAY, OK, AWAY),
        ),
        **{route: public_page(f"/{route}") for route in SAMPLES},
        "cloudapps/settings": View(
            "/cloudapps/settings?tabid=autoRedirection&tid={tenant}",
            SEES, signed_in(NOT_SO), signed_in(NOT_SO), foreign=FOREIGN,
        ),
        "cloudapps/settings/switch-redirection": View(
            "/cloudapps/settings/switch-redirection",
            everybody(AWAY), SWITCHES, everybody(NOT_SO),
            {"tid": "{tenant}", "wanted": "on", "reason_kind": "trial", "reason": "x",
             "seen_revision": "{revision}"},
            FOREIGN,
        ),
        "cloudapps/settings/receipt": View(
            "/cloudapps/settings/receipt?tid={tenant}",
            SEES, everybody(NOT_SO), everybody(NOT_SO), foreign=FOREIGN,
        ),
        "cloudapps/settings/redirection-history": View(
            "/cloudapps/settings/redirection-history?tid={tenant}",
            SEES, signed_in(NOT_SO), signed_in(NOT_SO), foreign=FOREIGN,
        ),
        "cloudapps/settings/redirection-history/export": View(
            "/cloudapps/settings/redirection-history/export?format=csv&tid={tenant}",
            SEES, signed_in(NOT_SO), signed_in(NOT_SO), foreign=FOREIGN,
        ),
        "cloudapps/settings/reported": View(
            "/cloudapps/settings/reported?tid={tenant}",
            SEES, signed_in(NOT_SO), signed_in(NOT_SO), foreign=FOREIGN,
        ),
        "cloudapps/settings/reported/<int:number>": View(
            "/cloudapps/settings/reported/{trouble}?tid={tenant}",
            SEES, signed_in(NOT_SO), signed_in(NOT_SO), foreign=FOREIGN,
        ),
        "cloudapps/settings/reported/export": View(
            "/cloudapps/settings/reported/export?format=csv&tid={tenant}",
            SEES, signed_in(NOT_SO), signed_in(NOT_SO), foreign=FOREIGN,
        ),
        "cloudapps/settings/switch-digest": View(
            "/cloudapps/settings/switch-digest", signed_in(AWAY),
            (SIGN_IN, FORBIDDEN, AWAY, AWAY, MISSING, MISSING), signed_in(NOT_SO),
            {"tid": "{tenant}", "every": "day"}, FOREIGN,
        ),
        "cloudapps/settings/try-link": View(
            "/cloudapps/settings/try-link?link=/alerts&tid={tenant}",
            SEES, signed_in(NOT_SO), signed_in(NOT_SO), foreign=FOREIGN,
        ),
        "cloudapps/permissions/roles": View(
            "/cloudapps/permissions/roles?tid={tenant}&person={person}&role=security_reader",
            SEES, signed_in(NOT_SO), signed_in(NOT_SO), foreign=FOREIGN,
        ),
        "cloudapps/permissions/roles/give-local-role": View(
            "/cloudapps/permissions/roles/give-local-role",
            everybody(AWAY), SWITCHES, everybody(NOT_SO),
            {"tid": "{tenant}", "person": "{person}", "role": "security_reader", "reason": "x",
             "seen_role": "user_group_admin"},
            FOREIGN,
        ),
        "cloudapps/settings/step-back": View(
            "/cloudapps/settings/step-back?wanted=on&tid={tenant}",
            (SIGN_IN, FORBIDDEN, FORBIDDEN, OK, MISSING, MISSING),
            signed_in(NOT_SO), signed_in(NOT_SO), foreign=FOREIGN,
        ),
        "cloudapps/settings/switch-step-back": View(
            "/cloudapps/settings/switch-step-back",
            everybody(AWAY), SWITCHES, everybody(NOT_SO),
            {"tid": "{tenant}", "wanted": "on", "minutes": "60", "reason_kind": "trial",
             "reason": "x", "seen_revision": "{revision}"},
            FOREIGN,
        ),
        "redirection/step-back": View(
            # Redirection is off: there is nothing to step back from, and a link says so.
            "/redirection/step-back?tid={tenant}",
            (SIGN_IN, OK, OK, OK, MISSING, MISSING), (SIGN_IN, OK, OK, OK, MISSING, MISSING),
            everybody(NOT_SO), {"reason": "other"}, FOREIGN,
        ),
        "redirection/hand-over": public_page("/redirection/hand-over"),
        "redirection/health": public_page("/redirection/health"),
        "redirection/ready": public_page("/redirection/ready"),
        "redirection/go": View(
            "/redirection/go?from=/alerts", everybody(AWAY), everybody(AWAY), everybody(NOT_SO)
        ),
        # For operators; everybody else is sent to their sign-in.
        "redirection/explain": View(
            "/redirection/explain?url=/alerts&tenant={tenant}",
            (AWAY, AWAY, AWAY, AWAY, OK, AWAY),
            (AWAY, AWAY, AWAY, AWAY, OK, AWAY),
            everybody(NOT_SO), {"url": "/alerts", "tenant": "{tenant}"},
        ),
        "redirection/way-back": View(
            "/redirection/way-back?page=/alerts&tid={tenant}",
            (SIGN_IN, OK, OK, OK, MISSING, MISSING),
            signed_in(NOT_SO), signed_in(NOT_SO), foreign=FOREIGN,
        ),
        "redirection/language": LANGUAGE,
        "redirection/feedback": View(
            "/redirection/feedback?tid={tenant}",
            (SIGN_IN, OK, OK, OK, MISSING, MISSING),
            (SIGN_IN, AWAY, AWAY, AWAY, MISSING, MISSING),
            everybody(NOT_SO), RATED, FOREIGN,
        ),
        "redirection/feedback/<int:number>": View(
            # The receipt is the switcher's.
            "/redirection/feedback/{feedback}",
            (SIGN_IN, MISSING, MISSING, OK, MISSING, MISSING),
            signed_in(NOT_SO), signed_in(NOT_SO), foreign=FOREIGN,
        ),
        "redirection/feedback/<int:number>/screenshot": View(
            PICTURE, (SIGN_IN, MISSING, OK, OK, OK, MISSING),
            signed_in(NOT_SO), signed_in(NOT_SO), foreign=(SIGN_IN, MISSING, MISSING, MISSING, OK),
        ),
        "redirection/my-feedback": MY_FEEDBACK,
    },
    "portal.legacy_urls": {
        **SIGN_IN_VIEWS,
        "redirection/feedback": View(
            "/redirection/feedback",
            (SIGN_IN, OK, OK, OK, MISSING, MISSING),
            (SIGN_IN, AWAY, AWAY, AWAY, MISSING, MISSING),
            everybody(NOT_SO), RATED,
        ),
        "redirection/feedback/<int:number>": View(
            "/redirection/feedback/{feedback}",
            (SIGN_IN, MISSING, MISSING, OK, MISSING, MISSING),
            signed_in(NOT_SO), signed_in(NOT_SO), foreign=FOREIGN,
        ),
        "redirection/feedback/<int:number>/screenshot": View(
            PICTURE, (SIGN_IN, MISSING, OK, OK, OK, MISSING),
            signed_in(NOT_SO), signed_in(NOT_SO), foreign=FOREIGN,
        ),
        "redirection/my-feedback": MY_FEEDBACK,
        "redirection/close-banner": View(
            "/redirection/close-banner", everybody(NOT_SO), everybody(AWAY), everybody(NOT_SO)
        ),
        "redirection/step-back": View(
            # Nobody has a grant here.
            "/redirection/step-back", everybody(FORBIDDEN), everybody(NOT_SO), everybody(NOT_SO),
            get_does_something=True,
        ),
        "redirection/end-step-back": View(
            "/redirection/end-step-back", everybody(NOT_SO), everybody(AWAY), everybody(NOT_SO)
        ),
        "redirection/here": View(
            # A page of the same origin asks; these people type the address.
            "/redirection/here?tid={tenant}",
            everybody(FORBIDDEN), everybody(NOT_SO), everybody(NOT_SO), get_does_something=True,
        ),
        "redirection/lead-on": View(
            # Redirection is off: on to the page, by a link.
            "/redirection/lead-on?page=/audits",
            everybody(OK), everybody(NOT_SO), everybody(NOT_SO),
        ),
        "redirection/health": public_page("/redirection/health"),
        "redirection/ready": public_page("/redirection/ready"),
        "redirection/page-seen": View(
            "/redirection/page-seen",
            everybody(NOT_SO), everybody(HTTPStatus.NO_CONTENT), everybody(NOT_SO),
            {"path": "/", "fragment": "#/audits", "counted": "1"},
        ),
        "redirection/state": View(
            # A script of the same origin asks; these people type the address.
            "/redirection/state?page=/?tid={tenant}",
            everybody(FORBIDDEN), everybody(NOT_SO), everybody(NOT_SO), get_does_something=True,
        ),
        "redirection/language": LANGUAGE,
        "": public_page("/"),
        "notes": View(
            "/notes", everybody(NOT_SO), everybody(HTTPStatus.SEE_OTHER), everybody(NOT_SO),
            {"text": "A note", "next": "/alerts"},
        ),
        "^(?:api|cas|oauth2|saml)/": View(
            "/api/v1/alerts/", everybody(OK), everybody(OK), everybody(OK)
        ),
        "<path:route>": public_page("/audits"),
    },
}  # fmt: skip
LINES = [
    pytest.param(urlconf, view, id=f"{HOSTS[urlconf].partition('.')[0]}/{route}")
    for urlconf, views in TABLE.items()
    for route, view in views.items()
]


def routes(resolver: URLResolver | Any, prefix: str = "") -> Iterator[str]:
    """Every route of a resolver; the operator pages are one."""
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern) or pattern.app_name == "admin":
            yield route
        else:
            yield from routes(pattern, route)


@pytest.fixture
def people(contoso: Tenant, ada: Person, rita: Person, otto: Person, person: MakePerson) -> Any:
    """Who asks, by role; only the stranger belongs to fabrikam."""
    operator = Person.objects.create_superuser("olga", password="a-long-enough-password")
    return dict(zip(ROLES, (None, otto, rita, ada, operator, None), strict=True))


@pytest.fixture
def objects(
    contoso: Tenant, fabrikam: Tenant, people: dict[str, Any], person: MakePerson
) -> dict[str, dict[str, Any]]:
    """What the addresses name, of either tenant."""
    people["stranger"] = person(fabrikam, "Fay", roles=[GLOBAL_ADMINISTRATOR])
    found = {}
    for tenant, sender in ((contoso, people["switcher"]), (fabrikam, people["stranger"])):
        trouble = Trouble.objects.create(route=f"/{tenant.name}", kind="praise", reports=1)
        feedback = Feedback.objects.create(
            tenant=tenant, person=sender, trouble=trouble, portal="destination", rating=5,
            kind="praise",
        )  # fmt: skip
        Screenshot.objects.create(feedback=feedback, png=b"pixels", width=1, height=1)
        member = person(tenant, "Ugo", local=LocalRoleName.USER_GROUP_ADMIN)
        found[tenant.name] = {
            "tenant": tenant.tid, "revision": tenant.revision,
            "person": member.pk, "feedback": feedback.pk, "trouble": trouble.pk,
        }  # fmt: skip
    return found


def stored() -> list[Any]:
    """What a refused request must leave as it is."""
    models = (Feedback, LocalRole, LocalRoleChange, Person, RoleSnapshot)
    settings = Tenant.objects.order_by("pk").values_list("setting", "revision")
    return [*settings, *(model.objects.count() for model in models)]


def answer(urlconf: str, view: View, method: str, person: Person | None, names: Any) -> Any:
    """What a browser of its own gets; nothing of it is kept."""
    browser = Client(headers={**PAGE_LOAD, "host": HOSTS[urlconf]})
    data = {key: value.format(**names) for key, value in (view.data or {}).items()}
    with transaction.atomic():
        before = stored()
        if person is not None:
            browser.force_login(person, "redirection.permissions.TenantRolesBackend")
        call = getattr(browser, method.lower())
        address = view.address.format(**names)
        response = call(address, data) if method == "POST" else call(address)
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            assert stored() == before, (address, method)
        # As a server does: a file that nobody reads is let go.
        response.close()
        transaction.set_rollback(True)
    if response.status_code == AWAY and response["Location"].startswith("/auth/sign-in?"):
        return SIGN_IN
    return response.status_code


@pytest.mark.parametrize("urlconf", TABLE)
def test_every_view_has_a_line_and_every_line_a_view(urlconf: str) -> None:
    assert sorted(TABLE[urlconf]) == sorted(set(routes(get_resolver(urlconf))))


@pytest.mark.parametrize(("urlconf", "view"), LINES)
def test_every_role_gets_its_answer(
    urlconf: str, view: View, people: dict[str, Any], objects: dict[str, dict[str, Any]]
) -> None:
    wrong = {
        (method, role): (got, expected)
        for method in METHODS
        for role, expected in zip(ROLES, view.answers(method), strict=True)
        if (got := answer(urlconf, view, method, people[role], objects["contoso"])) != expected
    }
    assert wrong == {}


@pytest.mark.parametrize(("urlconf", "view"), [line for line in LINES if line.values[1].foreign])
def test_objects_of_another_tenant_are_not_there(
    urlconf: str, view: View, people: dict[str, Any], objects: dict[str, dict[str, Any]]
) -> None:
    own, other = objects["contoso"], objects["fabrikam"]
    fields = f"{view.address} {view.data}"
    # All of them foreign, and each of them alone among one's own.
    mixtures = [other] + [
        own | {name: other[name]}
        for name in ("tenant", "person", "trouble")
        if f"{{{name}}}" in fields
    ]
    # Whoever may not open the page at all learns nothing about the person either.
    hidden = {MISSING, FORBIDDEN}
    wrong = [
        (method, role, names, got)
        for names in mixtures
        for method in (SAFE if "{" in view.address else ("POST",))
        for role, expected in zip(ROLES, view.foreign or (), strict=False)
        if (got := answer(urlconf, view, method, people[role], names)) != expected
        and not (names is not other and expected == MISSING and got in hidden)
    ]
    assert wrong == []


@pytest.fixture
def without_samples(settings: Any, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The addresses of the destination where the sample pages are off."""
    settings.PORTAL_SAMPLE_PAGES = False
    spec = importlib.util.spec_from_file_location("urls_without_samples", portal.urls.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, spec.name, module)
    settings.ROOT_URLCONF = spec.name
    return module


def test_without_samples_there_is_only_the_start_page_more(
    without_samples: ModuleType, destination: Client, db: None
) -> None:
    listed = set(TABLE["portal.urls"]) - set(SAMPLES)
    assert set(routes(get_resolver(site_settings.ROOT_URLCONF))) == {*listed, ""}
    assert destination.get("/")["Location"].startswith("/auth/sign-in?")
