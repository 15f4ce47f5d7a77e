"""No page says anything that could not be translated.

Every translated text is put between brackets; what is left outside of them must be a name, a
value, or what somebody typed.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from portal.models import Person
from redirection.feedback.giving import record
from redirection.models import Answer, Tenant
from redirection.roles import LocalRoleName
from tests.conftest import MakePerson, Switch

SETTINGS = "/cloudapps/settings?tabid=autoRedirection"
ROLES = "/cloudapps/permissions/roles"
ROLES_BACKEND = "redirection.permissions.TenantRolesBackend"
SPOKEN = ("aria-label", "alt", "data-label", "placeholder", "title")
# Values, dates and what people typed stand in these.
VALUES = ("bdi", "code", "script", "style", "textarea", "time", "output")
WORD = re.compile(r"[^\W\d_]{2,}")
INNERMOST = re.compile(r"⟦[^⟦⟧]*⟧")
NAMES = re.compile(
    r"Microsoft Defender for Cloud Apps|Microsoft 365 Defender|Contoso|contoso|Ada|Rita|Ugo|UTC"
    r"|a test|The test asks for it"
    r"|https?://[\w.]+|[0-9a-f-]{36}"
)


class Unmarked(HTMLParser):
    """Collects what a person can read outside of brackets; ``lines`` holds it afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.text += [f"\n{found[name]}\n" for name in SPOKEN if name in found]
        if tag == "button" or (tag == "input" and found.get("type") == "submit"):
            self.text.append(f"\n{found.get('value') or ''}\n")
        # A language is offered in its own words.
        if tag in VALUES or (tag == "option" and "lang" in found):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.text.append(data)

    @property
    def lines(self) -> list[str]:
        left = "".join(self.text)
        while INNERMOST.search(left):
            left = INNERMOST.sub("", left)
        left = NAMES.sub("", left)
        return [line.strip() for line in left.splitlines() if WORD.search(line)]


def marked(message: str) -> str:
    return f"⟦{message}⟧" if message else message


def marked_plural(singular: str, plural: str, number: int) -> str:
    return marked(singular if number == 1 else plural)


@pytest.fixture(autouse=True)
def brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A language in which every text stands between brackets."""
    # Everything else in Django's translation calls one of these four.
    functions = translation._trans  # type: ignore[attr-defined]
    monkeypatch.setattr(functions, "gettext", marked)
    monkeypatch.setattr(functions, "pgettext", lambda _, message: marked(message))
    monkeypatch.setattr(functions, "ngettext", marked_plural)
    monkeypatch.setattr(functions, "npgettext", lambda _, *forms: marked_plural(*forms))


def unmarked(response: Any) -> list[str]:
    page = Unmarked()
    page.feed(response.content.decode())
    page.close()
    return page.lines


@pytest.fixture
def full(contoso: Tenant, ada: Person, person: MakePerson, switch: Switch) -> Tenant:
    """Contoso with something in every list."""
    person(contoso, "Ugo", local=LocalRoleName.USER_GROUP_ADMIN)
    switch(contoso, "on")
    switch(contoso, "off")
    return contoso


@pytest.mark.parametrize(
    "address",
    [
        SETTINGS,
        f"{SETTINGS}&confirm=on",
        "/cloudapps/settings/redirection-history",
        "/cloudapps/settings/redirection-history?kind=wrong&from=wrong&page=99",
        "/cloudapps/settings/redirection-history?q=nothing-like-this",
        "/cloudapps/settings/try-link",
        "/cloudapps/settings/try-link?link=/%23/alerts/1%3Fx%3D1",
        "/cloudapps/settings/try-link?link=/security-configuration",
        "/cloudapps/settings/try-link?link=https://evil.example/",
        ROLES,
        f"{ROLES}?object_id=87d349ed-44d7-43e1-9a83-5f2406dee5bd&name=Ugo&role=security_reader",
        f"{ROLES}?role=wrong",
        "/redirection/feedback",
        "/redirection/hand-over?from=/",
        "/redirection/way-back",
        "/redirection/way-back?page=/alerts%3Fx=1%23y",
        "/redirection/way-back?page=/cloudapps/oauth-apps",
        "/redirection/way-back?page=/nobody",
        "/redirection/way-back?page=https://evil.example/",
        "/redirection/go?tid=11111111-1111-4111-8111-111111111111&from=/audits",
        "/redirection/go?from=/security-configuration",
        "/redirection/go?from=/unheard-of",
        "/redirection/go?from=/alerts/1",
        "/alerts",
        "/no-such-page",
        "/auth/signed-out",
        "/auth/complete/entra/?state=x",
        "/auth/check-roles",
    ],
)
def test_the_destination_says_nothing_untranslated(
    destination: Client, ada: Person, full: Tenant, address: str
) -> None:
    destination.force_login(ada, ROLES_BACKEND)
    assert unmarked(destination.get(address, follow=True)) == []


@pytest.mark.parametrize(
    "address",
    [SETTINGS, ROLES, "/redirection/feedback/{feedback}", "/redirection/my-feedback", "/alerts"],
)
def test_a_reader_is_told_in_their_language(
    destination: Client, rita: Person, full: Tenant, address: str
) -> None:
    said = {"text": "Rita", "page": "/alerts", "portal": "destination", "rating": 5}
    feedback = record(full, rita, kind="praise", source="header", **said)
    answer = {"state": "fixed", "text": "Ada", "author_name": "Ada"}
    Answer.objects.create(trouble=feedback.trouble, **answer)
    destination.force_login(rita, ROLES_BACKEND)
    assert unmarked(destination.get(address.format(feedback=feedback.pk))) == []


def test_whoever_may_not_is_told_in_their_language(
    destination: Client, otto: Person, full: Tenant
) -> None:
    destination.force_login(otto, ROLES_BACKEND)
    # The reference is no word of any language.
    left = unmarked(destination.get(SETTINGS))
    assert [line for line in left if not re.fullmatch(r"[0-9a-f]{8}", line)] == []


@pytest.mark.parametrize(
    ("address", "data"),
    [
        ("/cloudapps/settings/switch-redirection", {"wanted": "on", "seen_revision": "999"}),
        ("/cloudapps/settings/switch-redirection", {"wanted": "on", "seen_revision": "0",
         "reason_kind": "ready", "reason": "Ada"}),
        ("/cloudapps/settings/switch-redirection", {"wanted": "maybe"}),
        ("/cloudapps/permissions/roles/give-local-role", {}),
        ("/redirection/feedback", {}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_the_language(
    destination: Client, ada: Person, full: Tenant, address: str, data: dict[str, str]
) -> None:
    destination.force_login(ada, ROLES_BACKEND)
    assert unmarked(destination.post(address, {"tid": str(full.tid), **data})) == []


@pytest.mark.parametrize("address", ["/", "/audits", "/redirection/feedback", "/no-such-page"])
@pytest.mark.parametrize("state", ["on", "off"])
def test_the_legacy_portal_says_nothing_untranslated(
    legacy: Client, ada: Person, contoso: Tenant, switch: Switch, address: str, state: str
) -> None:
    legacy.force_login(ada, ROLES_BACKEND)
    legacy.get("/")
    switch(contoso, state)
    response = legacy.get(address)
    # Rows of the samples stand for data.
    assert unmarked(response) == []


def test_a_legacy_host_without_a_tenant_says_so_in_the_language(legacy: Client) -> None:
    for host in ("portal.localhost", "nobody.portal.localhost"):
        assert unmarked(legacy.get("/", headers={"host": host})) == []
