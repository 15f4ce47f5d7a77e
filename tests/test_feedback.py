"""Giving feedback: about a page, stored with tenant and person, nothing typed lost."""

from __future__ import annotations

import re
from html import unescape
from http import HTTPStatus
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.models import Person
from redirection import unsent
from redirection.feedback.giving import record
from redirection.models import Feedback, Tenant, Trouble
from tests.conftest import MakePerson
from tests.test_settings_page import sign_in, text, unsent_owner

FORM = "/redirection/feedback"
HOST = {"host": "security.localhost"}


def report(**changed: Any) -> dict[str, Any]:
    return {
        "rating": "2",
        "kind": "missing",
        "text": "Where are the exported reports?",
        "page": "/#/reports",
        "may_contact": "on",
        **changed,
    }


@pytest.mark.parametrize("portal", ["legacy", "destination"])
def test_an_ordinary_person_reports_from_either_portal(
    portal: str, otto: Person, contoso: Tenant, request: pytest.FixtureRequest
) -> None:
    browser: Client = request.getfixturevalue(portal)
    sign_in(browser, otto)
    response = browser.post(FORM, report(), follow=True)
    stored = Feedback.objects.get()
    assert (stored.tenant, stored.person, stored.portal) == (contoso, otto, portal)
    assert (stored.rating, stored.kind, stored.may_contact) == (2, "missing", True)
    page = unescape(response.content.decode())
    assert "Thank you" in page
    assert "Where are the exported reports?" in page
    assert "Nobody has answered yet." in page


def test_the_page_it_is_about_is_filled_in(otto: Person, destination: Client) -> None:
    sign_in(destination, otto)
    page = destination.get(FORM, {"about": '/#/audits?a="1"'}).content.decode()
    assert 'value="/#/audits?a=&quot;1&quot;"' in page


@pytest.mark.parametrize(
    ("about", "filled_in"),
    [
        ("/cloudapps/files?a=1#b", "/cloudapps/files?a=1#b"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/x", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nb", "/"),
        ("/a\u202eb", "/"),
        ("/" * 1 + "a" * 2000, "/"),
    ],
)
def test_only_a_page_is_filled_in(
    about: str, filled_in: str, otto: Person, destination: Client
) -> None:
    sign_in(destination, otto)
    form = destination.get(FORM, {"about": about}).context["form"]
    assert form["page"].value() == filled_in


@pytest.mark.parametrize(
    ("origin", "source", "kind", "focus"),
    [
        ("no_counterpart", "no_counterpart", "missing", "text"),
        ("banner", "banner", None, "kind"),
        ("header", "header", None, "kind"),
        ("switch_off", "switch_off", None, "kind"),
        ("nowhere", "other", None, "kind"),
        ("", "other", None, "kind"),
    ],
)
def test_where_it_began_says_what_is_asked_first(
    origin: str, source: str, kind: str | None, focus: str, otto: Person, destination: Client
) -> None:
    sign_in(destination, otto)
    page = destination.get(FORM, {"about": "/alerts", "from": origin})
    form = page.context["form"]
    assert (form["source"].value(), form["kind"].value()) == (source, kind)
    focused = re.findall(r'<[^>]* name="(\w+)"[^>]* autofocus', page.content.decode())
    assert focused == [focus]
    destination.post(FORM, {"kind": "missing", "source": origin, "page": "/alerts"})
    assert Feedback.objects.get().source == source


@pytest.mark.parametrize(
    ("portal", "page", "origin", "route"),
    [
        ("destination", "/cloudapps/activity-log?a=1", "header", "/audits"),
        ("destination", "/#/audits?a=1", "no_counterpart", "/audits"),
        ("legacy", "/#/audits?a=1", "banner", "/audits"),
        ("legacy", "/alerts/5f2a1b3c4d5e6f7a8b9c0d1e", "banner", "/alerts/*"),
        ("destination", "https://security.localhost/cloudapps/activity-log", "", "/audits"),
    ],
)
def test_the_same_trouble_is_one_from_either_portal(
    portal: str,
    page: str,
    origin: str,
    route: str,
    otto: Person,
    contoso: Tenant,
    request: pytest.FixtureRequest,
) -> None:
    browser: Client = request.getfixturevalue(portal)
    sign_in(browser, otto)
    browser.post(FORM, report(page=page, source=origin))
    trouble = Trouble.objects.get()
    assert (trouble.route, trouble.kind, trouble.reports) == (route, "missing", 1)


def test_a_trouble_said_to_be_fixed_is_open_again(
    otto: Person, rita: Person, contoso: Tenant, destination: Client
) -> None:
    for person, state, after in (
        (otto, "planned", "planned"),
        (rita, "fixed", "open"),
        (otto, "declined", "declined"),
    ):
        Trouble.objects.update_or_create(
            route="/audits", kind="broken", defaults={"state": state, "reopened_at": None}
        )
        said = {"text": f"It was {state}", "page": "/audits"}
        record(contoso, person, kind="broken", portal="legacy", source="banner", **said)
        trouble = Trouble.objects.get()
        assert trouble.state == after
        assert (trouble.reopened_at is not None) == (state == "fixed")
    assert (trouble.reports, trouble.feedback.count()) == (3, 3)


def test_a_form_sent_twice_is_one_report(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    first = destination.post(FORM, report())["Location"]
    assert destination.post(FORM, report())["Location"] == first
    assert Trouble.objects.get().reports == 1
    assert destination.post(FORM, report(text="One more thing"))["Location"] != first


def test_the_same_words_after_a_while_are_another_report(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        sign_in(destination, otto)
        first = destination.post(FORM, report())["Location"]
        clock.shift(9 * 60)
        assert destination.post(FORM, report())["Location"] == first
        clock.shift(2 * 60)
        assert destination.post(FORM, report())["Location"] != first
    assert Trouble.objects.get().reports == 2


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("two\r\nlines", "two\nlines"),
        ("a\x07b\x1b[31m", "a b [31m"),
        ("pay\u202eexe.txt", "payexe.txt"),
        ("\u2066hidden\u2069\u200b", "hidden"),
        ("  kept:\n    as it is", "kept:\n    as it is"),
        ("half \ud800 a character", "half \ufffd a character"),
        ("\u0645\u0631\u062d\u0628\u0627", "\u0645\u0631\u062d\u0628\u0627"),
    ],
)
def test_what_cannot_be_seen_is_not_kept(
    typed: str, kept: str, otto: Person, contoso: Tenant
) -> None:
    said = {"kind": "other", "page": "/\u202eaudits\r\nx", "portal": "legacy"}
    feedback = record(contoso, otto, text=typed, source="other", **said)
    assert (feedback.text, feedback.page) == (kept, "/audits x")


def test_line_breaks_do_not_make_a_text_too_long(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    text = "x\r\n" * 1999 + "xy"
    assert destination.post(FORM, report(text=text)).status_code == HTTPStatus.FOUND
    assert Feedback.objects.get().text == "x\n" * 1999 + "xy"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rating", "6"),
        ("rating", "good"),
        ("kind", ""),
        ("kind", "rant"),
        ("text", "x" * 4001),
        ("text", "nul\x00"),
        ("page", "/" * 2001),
    ],
)
def test_an_error_loses_nothing(
    field: str, value: str, otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    typed = report(text="All that I <typed>")
    response = destination.post(FORM, {**typed, field: value})
    assert response.status_code == HTTPStatus.BAD_REQUEST
    page = response.content.decode()
    if field != "text":
        assert "All that I &lt;typed&gt;" in page
    if field != "page":
        assert 'value="/#/reports"' in page
    assert 'aria-invalid="true"' in page
    assert page.count("autofocus") == 1
    assert not Feedback.objects.exists()


def test_a_session_that_ended_meanwhile_loses_nothing(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    made_for = unsent_owner(destination, FORM)
    destination.logout()
    response = destination.post(FORM + "?about=/x", report(unsent_owner=made_for))
    assert response["Location"].startswith("/auth/sign-in?next=/redirection/feedback")
    sign_in(destination, otto)
    page = unescape(destination.get(FORM).content.decode())
    assert "Where are the exported reports?" in page
    assert 'value="/#/reports"' in page
    assert "Your text is still here" in page
    assert re.search(r'value="missing"[^>]* checked', page)
    assert "could not be kept" not in page


def test_a_picture_that_a_session_cannot_keep_is_asked_for_again(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    made_for = unsent_owner(destination, FORM)
    destination.logout()
    picture = SimpleUploadedFile("a.png", b"whatever", "image/png")
    destination.post(FORM, report(unsent_owner=made_for, screenshot=picture))
    sign_in(destination, otto)
    page = unescape(destination.get(FORM).content.decode())
    assert "The picture could not be kept. Add it again." in page


def test_a_stranger_who_posts_leaves_no_session(contoso: Tenant, destination: Client) -> None:
    for made_for in ("", "forged"):
        destination.post(FORM, report(unsent_owner=made_for))
    assert not Session.objects.exists()


def test_one_form_begins_only_so_many_sessions(
    otto: Person, destination: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is signed for somebody once could be sent again and again by somebody else."""
    monkeypatch.setattr(unsent, "_MOST_KEPT", 3)
    sign_in(destination, otto)
    made_for = unsent_owner(destination, FORM)
    destination.logout()
    for _ in range(5):
        Client(headers=HOST).post(FORM, report(unsent_owner=made_for))
    assert Session.objects.count() == 3


def test_a_form_older_than_a_week_is_not_kept(otto: Person, destination: Client) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        sign_in(destination, otto)
        made_for = unsent_owner(destination, FORM)
        destination.logout()
        clock.shift(7 * 86400 + 1)
        Client(headers=HOST).post(FORM, report(unsent_owner=made_for))
        assert not Session.objects.exists()


def test_nobody_else_is_shown_it(
    otto: Person, contoso: Tenant, person: MakePerson, destination: Client
) -> None:
    sign_in(destination, otto)
    made_for = unsent_owner(destination, FORM)
    for field in (made_for, made_for[:-1] + "x", ""):
        destination.logout()
        destination.post(FORM, report(unsent_owner=field))
        sign_in(destination, person(contoso, f"Paul {field}"))
        assert "exported reports" not in destination.get(FORM).content.decode()


def test_the_receipt_is_for_the_sender_only(
    otto: Person, contoso: Tenant, person: MakePerson, destination: Client
) -> None:
    sign_in(destination, otto)
    receipt = destination.post(FORM, report())["Location"]
    assert destination.get(receipt).status_code == HTTPStatus.OK
    sign_in(destination, person(contoso, "Paul"))
    assert destination.get(receipt).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_the_way_back_never_leads_elsewhere(
    page: str, otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    response = destination.post(FORM, report(page=page), follow=True)
    assert f'href="{page}' not in response.content.decode()


def test_operators_read_it_and_cannot_change_it(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    destination.post(FORM, report(text="<script>alert(1)</script>"))
    olga = Person.objects.create_superuser("olga", password="a-long-enough-password")
    destination.force_login(olga, "django.contrib.auth.backends.ModelBackend")
    listed = destination.get("/admin/redirection/feedback/")
    assert "Missing" in listed.content.decode()
    stored = Feedback.objects.get()
    one = destination.get(f"/admin/redirection/feedback/{stored.pk}/change/").content.decode()
    assert "<script>alert(1)" not in one
    assert 'name="_save"' not in one


def test_on_another_tenants_host_a_person_gives_none(
    otto: Person, contoso: Tenant, fabrikam: Tenant
) -> None:
    browser = Client(headers={"host": "fabrikam.portal.localhost"})
    sign_in(browser, otto)
    assert browser.post(FORM, report()).status_code == HTTPStatus.NOT_FOUND
    assert not Feedback.objects.exists()


def test_a_text_that_is_too_long_comes_back_whole(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    # A browser would cut it off without a word.
    assert (
        "maxlength" not in re.findall("<textarea[^>]*>", destination.get(FORM).content.decode())[0]
    )
    response = destination.post(FORM, report(text="x" * 4001))
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "x" * 4001 in response.content.decode()
    assert not Feedback.objects.exists()


def test_the_form_says_who_reads_it(otto: Person, contoso: Tenant, destination: Client) -> None:
    sign_in(destination, otto)
    said = text(destination.get(FORM))
    assert "Administrators of your organisation read it too" in said
