"""What people of an organisation write is nobody else's: a canary word of each is looked for.

In every page of the site as people of the other organisation get it, for its own objects and for
foreign ones, in every file, and in everything that is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from portal.models import Person
from redirection.feedback.answers import announce
from redirection.feedback.screenshots import Picture
from redirection.models import (
    DigestSubscription,
    Feedback,
    OutgoingMessage,
    Tenant,
    Trouble,
    WebhookEndpoint,
)
from redirection.outbox import digests
from redirection.outbox.mails import mail_of
from redirection.outbox.webhooks import call_of
from redirection.roles import GLOBAL_ADMINISTRATOR, LocalRoleName
from tests.conftest import PAGE_LOAD, MakePerson
from tests.reporting import report
from tests.test_link_rule_pages import operator
from tests.test_view_matrix import TABLE, View

CANARIES = {"contoso": "Kanarie", "fabrikam": "Canarino"}
# Where people find again what they, or people of their organisation, have written.
OWN_WORDS = {
    "portal.urls": {
        "cloudapps/settings/reported/<int:number>",
        "cloudapps/settings/reported/export",
        "redirection/my-feedback",
        "redirection/feedback/<int:number>",
        "redirection/feedback/<int:number>/screenshot",
    },
    "portal.legacy_urls": {"redirection/my-feedback", "redirection/feedback/<int:number>"},
}
BACKEND = "redirection.permissions.TenantRolesBackend"


@pytest.fixture
def sites(
    contoso: Tenant, fabrikam: Tenant, person: MakePerson, settings: Any
) -> dict[str, dict[str, Any]]:
    """Each organisation with people and what addresses name; all they write has its canary."""
    settings.REDIRECTION_SENDS_MAIL = True
    found: dict[str, dict[str, Any]] = {}
    WebhookEndpoint.objects.create(url="https://all.example/")
    DigestSubscription.objects.create(
        person=Person.objects.create_superuser("oscar", "oscar@operators.example"),
        every="day",
        told_until=timezone.now() - timedelta(days=2),
    )
    for tenant in (contoso, fabrikam):
        canary = CANARIES[tenant.name]
        admin = person(tenant, f"Admin {canary}", roles=[GLOBAL_ADMINISTRATOR])
        sender = person(tenant, f"Sender {canary}")
        other = person(tenant, f"Ugo {canary}", local=LocalRoleName.USER_GROUP_ADMIN)
        for somebody in (admin, sender):
            somebody.email = f"{canary}.{somebody.pk}@{tenant.name}.example"
            somebody.save()
        WebhookEndpoint.objects.create(tenant=tenant, url=f"https://{tenant.name}.example/")
        DigestSubscription.objects.create(
            person=admin, tenant=tenant, every="day",
            told_until=timezone.now() - timedelta(days=2),
        )  # fmt: skip
        feedback = report(
            tenant, sender, text=f"It sings, {canary}", page=f"/#/audits?bird={canary}",
            may_contact=True, screenshot=Picture(canary.encode(), 1, 1),
        )  # fmt: skip
        # And one that no other organisation reports.
        report(tenant, admin, text=canary, page=f"/#/{tenant.name}/{canary}", kind="broken")
        found[tenant.name] = {
            "people": [admin, sender],
            "names": {
                "tenant": tenant.tid, "revision": tenant.revision, "person": other.pk,
                "feedback": feedback.pk, "trouble": feedback.trouble_id,
            },
        }  # fmt: skip
    assert Trouble.objects.count() == 3
    Feedback.objects.update(created_at=timezone.now() - timedelta(days=1))
    shared = Trouble.objects.get(route="/audits")
    announce(shared, state="fixed", text="Listen again", page="/x", author=Person.objects.first())
    return found


def content(response: Any) -> str:
    """All that a browser gets: the headers too, and a file to its end."""
    pieces = response.streaming_content if response.streaming else [response.content]
    body = b"".join(pieces).decode(errors="replace")
    response.close()
    return f"{response.headers}\n{body}"


def asked(view: View, method: str, browser: Client, names: dict[str, Any]) -> str:
    """What a browser gets; nothing of it is kept."""
    address = view.address.format(**names)
    data = {key: value.format(**names) for key, value in (view.data or {}).items()}
    with transaction.atomic():
        response = browser.post(address, data) if method == "POST" else browser.get(address)
        found = content(response)
        transaction.set_rollback(True)
    return found


def browsers_of(somebody: Person, host: str) -> Callable[[], Client]:
    """Makes browsers of a person who signed in once; what one does is nothing to the next."""
    first = Client()
    first.force_login(somebody, BACKEND)

    def another() -> Client:
        browser = Client(headers={**PAGE_LOAD, "host": host})
        browser.cookies = SimpleCookie(first.cookies.output(header="", sep=";"))
        return browser

    return another


@pytest.mark.parametrize("urlconf", TABLE)
def test_no_page_or_file_shows_the_words_of_another_organisation(
    urlconf: str, sites: dict[str, dict[str, Any]]
) -> None:
    leaks, own_seen = [], set()
    for name, site in sites.items():
        [other] = sites.keys() - {name}
        host = "security.localhost" if urlconf == "portal.urls" else f"{name}.portal.localhost"
        for somebody in site["people"]:
            browser_of = browsers_of(somebody, host)
            for route, view in TABLE[urlconf].items():
                # Everything that is posted names its objects in the form.
                methods = ["GET", "POST"] if view.data else ["GET"]
                named = [site["names"], sites[other]["names"]]
                for names in named if view.foreign else named[:1]:
                    for method in methods:
                        page = asked(view, method, browser_of(), names)
                        if CANARIES[other] in page:
                            leaks.append((route, method, str(somebody)))
                        if CANARIES[name] in page:
                            own_seen.add(route)
    assert leaks == []
    # It was looked for where it would be.
    assert own_seen >= OWN_WORDS[urlconf]


def test_nothing_that_is_sent_tells_the_words_of_another_organisation(
    sites: dict[str, dict[str, Any]],
) -> None:
    now = timezone.now()
    assert digests.write_due(now) == 3
    told: dict[str, list[str]] = {"contoso": [], "fabrikam": [], "all": []}
    for message in OutgoingMessage.objects.select_related("endpoint", "tenant", "person"):
        if message.kind == OutgoingMessage.Kind.WEBHOOK:
            call = call_of(message)
            receiver = call.url.removeprefix("https://").partition(".")[0]
            told[receiver].append(call.body)
        else:
            mail = mail_of(message)
            assert mail is not None
            domain = mail.to[0].partition("@")[2].partition(".")[0]
            told["all" if domain == "operators" else domain].append(str(mail.message()))
    for name, canary in CANARIES.items():
        other = next(key for key in CANARIES if key != name)
        # Two reports, an answer, the answer by mail, and the digest.
        assert len(told[name]) == 5
        assert [text for text in told[name] if CANARIES[other] in text] == []
        assert [text for text in told[name] if other in text.lower()] == []
        assert any(canary in text for text in told[name])
    # Whoever runs the site is told of all.
    bodies = [json.loads(text) for text in told["all"] if text.startswith("{")]
    assert all(canary in json.dumps(bodies) for canary in CANARIES.values())


def test_what_tenants_learn_of_a_trouble_counts_their_own_reports_alone(
    sites: dict[str, dict[str, Any]],
) -> None:
    shared = sites["contoso"]["names"]["trouble"]
    assert Trouble.objects.get(pk=shared).reports == 2
    counts = [
        message.content["data"]["trouble"]["reports"]
        for message in OutgoingMessage.objects.filter(
            kind="webhook", event="feedback.answered", endpoint__tenant__isnull=False
        )
    ]
    assert counts == [1, 1]
    ada = sites["contoso"]["people"][0]
    browser = Client(headers={**PAGE_LOAD, "host": "security.localhost"})
    browser.force_login(ada, BACKEND)
    for address in ("", f"/{shared}"):
        page = browser.get(f"/cloudapps/settings/reported{address}")
        assert page.status_code == HTTPStatus.OK
        assert "2 reports" not in page.content.decode()


def test_operators_read_them_all(sites: dict[str, dict[str, Any]]) -> None:
    shared = sites["contoso"]["names"]["trouble"]
    olga = operator("olga")
    page = olga.get(f"/admin/redirection/trouble/{shared}/change/").content.decode()
    file = content(olga.get("/admin/redirection/trouble/export/reports/jsonl/"))
    for canary in CANARIES.values():
        assert canary in page
        assert canary in file
    queue = olga.get("/admin/redirection/trouble/").content.decode()
    assert not any(canary in queue for canary in CANARIES.values())
