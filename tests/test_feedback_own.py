"""My feedback: what became of what somebody sent, and a word in the header when it is new."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from http import HTTPStatus
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from portal.models import Person
from redirection.feedback.answers import announce
from redirection.feedback.giving import record
from redirection.models import Answer, Feedback, OutgoingMessage, RoleSnapshot, Tenant, Trouble
from redirection.outbox.mails import mail_of
from tests.conftest import PAGE_LOAD, MakePerson
from tests.test_settings_page import sign_in, text

MINE = "/redirection/my-feedback"
HEADER = "1 new answer to your feedback"


def report(tenant: Tenant, person: Person, words: str, **changed: Any) -> Feedback:
    said = {"kind": "missing", "page": "/#/audits?a=1", "portal": "legacy", "source": "banner"}
    return record(tenant, person, text=words, **{**said, **changed})


def answer(trouble: Trouble, state: str, words: str, **more: Any) -> Answer:
    Trouble.objects.filter(pk=trouble.pk).update(state=state)
    return Answer.objects.create(
        trouble=trouble, state=state, text=words, author_name="Olga", **more
    )


def test_whoever_sent_nothing_is_told_so(otto: Person, destination: Client) -> None:
    sign_in(destination, otto)
    assert "You have not sent any feedback here yet." in text(destination.get(MINE))


@pytest.mark.parametrize("portal", ["legacy", "destination"])
def test_a_report_stands_there_with_its_state(
    portal: str, otto: Person, contoso: Tenant, request: pytest.FixtureRequest
) -> None:
    browser: Client = request.getfixturevalue(portal)
    sign_in(browser, otto)
    report(contoso, otto, "Where is <b>it</b>? https://evil.example/", rating=2)
    page = browser.get(MINE).content.decode()
    assert "Where is &lt;b&gt;it&lt;/b&gt;? https://evil.example/" in page
    assert 'href="https://evil.example' not in page
    assert "<strong>Open</strong>" in page
    assert "Nobody has answered yet." in page
    assert "2 of 5" in page


def test_an_answer_is_new_until_it_was_read(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    feedback = report(contoso, otto, "Where is it?")
    assert "new answer" not in text(destination.get("/alerts"))
    answer(feedback.trouble, "planned", "It comes in May")
    assert HEADER in text(destination.get("/alerts"))
    # Asking for the size of the page is not reading it.
    destination.head(MINE)
    page = text(destination.get(MINE))
    assert '<span class="mark">New</span> Planned' in page
    assert "It comes in May" in page
    assert "Olga" not in page
    assert "new answer" not in page
    assert "new answer" not in text(destination.get("/alerts"))
    assert "New</span>" not in text(destination.get(MINE))
    answer(feedback.trouble, "fixed", "Here it is")
    assert HEADER in text(destination.get("/alerts"))
    destination.get(f"/redirection/feedback/{feedback.pk}")
    assert "new answer" not in text(destination.get("/alerts"))


@pytest.mark.parametrize(
    ("page", "said", "address"),
    [
        ("/cloudapps/activity-log?x=1", {}, "/cloudapps/activity-log?x=1"),
        ("", {"page": "/cloudapps/files", "portal": "destination"}, "/cloudapps/files"),
        ("", {}, "/redirection/hand-over?tid={tid}&from=/#/audits?a=1"),
        ("//evil.example", {}, "/"),
        ("https://evil.example/", {}, "/"),
    ],
)
def test_a_fix_leads_to_the_page_on_the_own_destination(
    page: str, said: dict[str, str], address: str, otto: Person, contoso: Tenant, legacy: Client
) -> None:
    Tenant.objects.update(cloud="gcc-high")
    contoso.refresh_from_db()
    feedback = report(contoso, otto, "Where is it?", **said)
    answer(feedback.trouble, "fixed", "Here it is", page=page)
    sign_in(legacy, otto)
    legacy.defaults["HTTP_HOST"] = "security.gov.localhost"
    shown = unescape(legacy.get(MINE, headers={"host": "security.gov.localhost"}).content.decode())
    assert "Fixed, try again" in shown
    assert f'href="http://security.gov.localhost{address.format(tid=contoso.tid)}"' in shown


def test_an_older_answer_is_told_to_whoever_reports_the_same_later(
    otto: Person, rita: Person, contoso: Tenant, destination: Client
) -> None:
    trouble = report(contoso, rita, "It is missing").trouble
    answer(trouble, "planned", "An old plan", at=timezone.now() - timedelta(days=9))
    answer(trouble, "planned", "It comes in May", at=timezone.now() - timedelta(days=8))
    sign_in(destination, otto)
    sent = {"kind": "missing", "text": "Missing here too", "page": "/#/audits"}
    address = f"/redirection/feedback?from=no_counterpart&about={sent['page']}"
    page = text(destination.post(address, {**sent, "source": "no_counterpart"}, follow=True))
    assert "It comes in May" in page
    assert "An old plan" not in page
    assert "You already told us" not in page
    assert "It is missing" not in page
    # It was there before: nothing new.
    assert "new answer" not in text(destination.get("/alerts"))


def test_whoever_reports_it_twice_is_told_how_it_stands(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    trouble = report(contoso, otto, "Where is it?").trouble
    answer(trouble, "declined", "It will not come", at=timezone.now() - timedelta(seconds=1))
    again = report(contoso, otto, "I still need it")
    sign_in(destination, otto)
    page = text(destination.get(f"/redirection/feedback/{again.pk}"))
    assert "You already told us of this on" in page
    assert "<strong>Declined</strong>" in page
    assert "It will not come" in page


def test_nobody_elses_reports_are_among_them(
    otto: Person, rita: Person, contoso: Tenant, destination: Client
) -> None:
    trouble = report(contoso, rita, "Canary").trouble
    answer(trouble, "planned", "In May")
    sign_in(destination, otto)
    assert "Canary" not in text(destination.get(MINE))
    assert "new answer" not in text(destination.get(MINE))


def test_on_a_host_of_one_organisation_only_what_was_sent_there_is_shown(
    otto: Person, contoso: Tenant, fabrikam: Tenant, legacy: Client, destination: Client
) -> None:
    RoleSnapshot.objects.create(person=otto, tenant=fabrikam)
    report(contoso, otto, "Of Contoso")
    other = report(fabrikam, otto, "Of Fabrikam")
    sign_in(legacy, otto)
    assert "Of Fabrikam" not in text(legacy.get(MINE))
    receipt = f"/redirection/feedback/{other.pk}"
    assert legacy.get(receipt).status_code == HTTPStatus.NOT_FOUND
    sign_in(destination, otto)
    page = text(destination.get(MINE))
    assert "Of Contoso" in page
    assert "<bdi>Fabrikam</bdi>" in page
    # Whoever left an organisation sees nothing of it any more.
    otto.role_snapshots.filter(tenant=fabrikam).delete()
    assert "Of Fabrikam" not in text(destination.get(MINE))
    browser = Client(headers={"host": "fabrikam.portal.localhost", **PAGE_LOAD})
    sign_in(browser, otto)
    assert "Of Contoso" not in text(browser.get(MINE))


def test_many_reports_come_in_pages_with_few_queries(
    contoso: Tenant,
    person: MakePerson,
    destination: Client,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    paula = person(contoso, "Paula")
    for number in range(45):
        trouble = report(contoso, paula, f"Report {number}.", page=f"/#/audits{number}").trouble
        answer(trouble, "planned", f"Answer {number}.")
    sign_in(destination, paula)
    destination.get("/alerts")
    # Session, person, how many, reports, answers; what was read, in a transaction; the header.
    with django_assert_max_num_queries(8):
        page = text(destination.get(MINE))
    assert "Report 44." in page
    assert "Report 24." not in page
    assert "Page 1 of 3" in page
    for asked, shown in (("3", "Page 3 of 3"), ("99", "Page 3 of 3"), ("x", "Page 1 of 3")):
        assert shown in text(destination.get(MINE, {"page": asked}))


def test_the_header_asks_once_and_nothing_for_strangers(
    otto: Person,
    contoso: Tenant,
    destination: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        destination.get("/alerts")
    sign_in(destination, otto)
    destination.get("/cloudapps/files")
    with CaptureQueriesContext(connection) as asked:
        destination.get("/cloudapps/files")
    about = [query["sql"] for query in asked if "redirection_feedback" in query["sql"]]
    assert len(about) == 1
    assert "COUNT" in about[0]


@pytest.mark.parametrize("portal", ["legacy", "destination"])
def test_the_agreement_to_be_contacted_is_taken_back(
    portal: str, otto: Person, contoso: Tenant, request: pytest.FixtureRequest
) -> None:
    browser: Client = request.getfixturevalue(portal)
    sign_in(browser, otto)
    agreed = report(contoso, otto, "Write to me", may_contact=True)
    other = report(contoso, otto, "About this too", may_contact=True, page="/#/files")
    page = browser.get(MINE).content.decode()
    assert page.count("Do not contact me any more") == 2
    assert f'name="withdraw" value="{agreed.pk}"' in page
    said = text(browser.post(MINE, {"withdraw": agreed.pk}, follow=True))
    assert "You will not be contacted about this feedback any more." in said
    assert said.count("Do not contact me any more") == 1
    agreed.refresh_from_db()
    other.refresh_from_db()
    assert (agreed.may_contact, other.may_contact) == (False, True)


@pytest.mark.parametrize(
    "number", ["", "0", "-1", "x", "\x00", "9" * 30, "\u0661", "of somebody else"]
)
def test_nobody_takes_back_what_is_not_theirs(
    number: str, otto: Person, rita: Person, contoso: Tenant, destination: Client
) -> None:
    theirs = report(contoso, rita, "Write to me", may_contact=True)
    sign_in(destination, otto)
    asked = str(theirs.pk) if number == "of somebody else" else number
    response = destination.post(MINE, {"withdraw": asked})
    assert response.status_code == HTTPStatus.NOT_FOUND
    theirs.refresh_from_db()
    assert theirs.may_contact


def test_mail_that_waits_is_not_sent_once_the_agreement_is_taken_back(
    otto: Person, ada: Person, contoso: Tenant, destination: Client, settings: Settings
) -> None:
    settings.REDIRECTION_SENDS_MAIL = True
    Person.objects.filter(pk=otto.pk).update(email="otto@contoso.example")
    agreed = report(contoso, otto, "Write to me", may_contact=True)
    announce(agreed.trouble, state="planned", text="Soon", page="", author=ada)
    waiting = OutgoingMessage.objects.get(kind=OutgoingMessage.Kind.MAIL)
    assert mail_of(waiting) is not None
    sign_in(destination, otto)
    destination.post(MINE, {"withdraw": agreed.pk})
    assert mail_of(OutgoingMessage.objects.get(pk=waiting.pk)) is None
