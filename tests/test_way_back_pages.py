"""The old address of a page, and the word that an organisation still works over there."""

from __future__ import annotations

import re
from html import unescape
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from pytest_django import Settings

from portal.models import Person
from redirection import switches
from redirection.models import DeepLinkRule, RoleSnapshot, Tenant
from tests.conftest import Switch
from tests.test_settings_page import sign_in

PAGE = "/redirection/way-back"
GO = "/redirection/go"
OLD = "http://contoso.portal.localhost"
TID = "11111111-1111-4111-8111-111111111111"
STILL = "Your organisation still works in Microsoft Defender for Cloud Apps"


def text(response: Any) -> str:
    return " ".join(unescape(response.content.decode()).split())


@pytest.fixture
def member(otto: Person, destination: Client) -> Client:
    """The browser of Otto, who has no role but belongs to contoso."""
    sign_in(destination, otto)
    return destination


def found(browser: Client, page: str, **more: str) -> str:
    response = browser.get(PAGE, {"page": page, **more})
    assert response.status_code == HTTPStatus.OK
    return text(response)


def address(page: str) -> str:
    shown = re.search(r'<p class="address"><code dir="ltr">(.*?)</code>', page)
    opened = re.search(r'<a class="button" href="([^"]*)" rel="noopener" target="_blank">', page)
    assert shown
    assert opened
    assert shown[1] == opened[1]
    return shown[1]


@pytest.mark.parametrize(
    ("page", "old"),
    [
        ("/cloudapps/activity-log?activity.id=eq(1,)", "/#/audits?activity.id=eq(1,)"),
        ("http://security.localhost/cloudapps/files", "/#/files"),
        ("security.localhost/alerts#top", "/#/alerts"),
        ("/", "/"),
        ("/cloudapps/files?q=日本", "/#/files?q=%E6%97%A5%E6%9C%AC"),
    ],
)
def test_otto_gets_the_address_on_his_own_host(page: str, old: str, member: Client) -> None:
    assert address(found(member, page)) == OLD + old


def test_the_page_says_what_the_address_will_do(
    member: Client, contoso: Tenant, switch: Switch
) -> None:
    assert "Automatic redirection is off: the old address opens in" in found(member, "/alerts")
    switch(contoso, "on")
    assert "whoever opens the old address comes back here" in found(member, "/alerts")


def test_what_is_lost_and_what_else_leads_here_is_said(member: Client) -> None:
    page = found(member, "/cloudapps/oauth-apps?permission=high#top")
    assert 'are left out: <code dir="ltr">permission</code>' in page
    assert "It belongs to the new page and has no old counterpart." in page
    assert "those of the old link are not known" in found(member, "/cloudapps/oauth-apps")
    assert '<code dir="ltr">/alerts/*</code>' in found(member, "/alerts")
    assert "All of them go along." in found(member, "/alerts?tid=1")


def test_a_page_without_an_old_address_says_so(member: Client) -> None:
    page = found(member, "/cloudapps/settings/try-link")
    assert "There is none: this page exists only in Microsoft 365 Defender" in page
    assert 'class="address"' not in page


def test_a_rule_of_the_operator_is_read_backwards(member: Client) -> None:
    DeepLinkRule.objects.create(kind="exact", source="/old/a", target="/new/a?view=1")
    DeepLinkRule.objects.create(kind="prefix", source="/deep", target="/new/deep/{rest}")
    switches.forget()
    switches.refresh()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(switches, "_held", _with_rules())
        assert address(found(member, "/new/a?view=1&x=2")) == f"{OLD}/#/old/a?x=2"
        assert address(found(member, "/new/deep/1/2")) == f"{OLD}/#/deep/1/2"


def _with_rules() -> switches.Held:
    from redirection.rule_sets import RuleSet

    rules = RuleSet(DeepLinkRule.objects.as_rules(), 1)
    return switches.held().with_changes(switches.held().revision, [], rules)


def test_without_a_configured_host_only_the_route_is_told(member: Client, contoso: Tenant) -> None:
    Tenant.objects.update(cloud="closed")
    page = found(member, "/alerts")
    assert '<code dir="ltr">/#/alerts</code>' in page
    assert "No host of Microsoft Defender for Cloud Apps is configured" in page
    assert "Open it in a new tab" not in page


@pytest.mark.parametrize(
    ("page", "error"),
    [
        ("", "Paste an address first."),
        ("javascript:alert(1)", "Only links that begin with http:// or https:// open a page."),
        ("http://evil.example/alerts", "This is no address of Microsoft 365 Defender"),
        ("//evil.example/alerts", "This is no address of Microsoft 365 Defender"),
        ("/\\evil.example/alerts", "This is no address of Microsoft 365 Defender"),
        (f"{OLD}/#/alerts", "This is no address of Microsoft 365 Defender"),
        ("http://security.localhost:99999/", "The host or port of this link cannot be."),
        ("x" * 9000, "Use at most 8000 characters."),
        ("a\x00b", "Null characters are not allowed."),
    ],
)
def test_a_wrong_address_is_said_at_the_field_and_kept(
    page: str, error: str, member: Client
) -> None:
    response = member.get(PAGE, {"page": page})
    assert response.status_code == HTTPStatus.BAD_REQUEST
    said = response.content.decode()
    assert error in unescape(said)
    assert 'id="id_page_error"' in said
    kept = re.search(r'name="page" [^>]*value="([^"]*)"', said)
    assert kept
    assert unescape(kept[1]) == page


def test_what_is_pasted_runs_nowhere(member: Client) -> None:
    page = member.get(PAGE, {"page": '/alerts?"><script>alert(1)</script>=1'}).content.decode()
    assert "<script>alert" not in page


def test_an_organisation_that_is_not_ones_own_is_not_there(
    member: Client, fabrikam: Tenant
) -> None:
    response = member.get(PAGE, {"page": "/alerts", "tid": str(fabrikam.tid)})
    assert response.status_code == HTTPStatus.NOT_FOUND


def test_whoever_works_for_two_keeps_the_one_chosen(
    member: Client, otto: Person, fabrikam: Tenant
) -> None:
    RoleSnapshot.objects.create(person=otto, tenant=fabrikam, directory_roles=[])
    page = found(member, "/alerts", tid=str(fabrikam.tid))
    assert address(page).startswith("http://fabrikam.portal.localhost/")
    assert f'<input type="hidden" name="tid" value="{fabrikam.tid}">' in page


# --- Ways there ---


def test_the_page_that_tries_a_link_asks_for_both(rita: Person, destination: Client) -> None:
    sign_in(destination, rita)
    page = text(destination.get("/cloudapps/settings/try-link"))
    assert f'action="{PAGE}"' in page
    assert "The other way round" in page


def test_a_sample_page_leads_to_its_old_address(destination: Client, member: Client) -> None:
    page = "/cloudapps/activity-log?activity.id=eq(1,)&b=c"
    sample = text(member.get(page))
    link = re.search(rf'href="({PAGE}[^"]*)"', sample)
    assert link
    assert address(text(member.get(unescape(link[1])))) == (
        f"{OLD}/#/audits?activity.id=eq(1,)&b=c"
    )


# --- While redirection is off ---


def go(browser: Client, from_: str, fragment: str = "", tid: str = TID, **more: Any) -> Any:
    return browser.post(GO, {"tid": tid, "from": from_, "fragment": fragment}, **more)


def test_a_link_of_ours_says_while_off_that_people_work_over_there(
    contoso: Tenant, destination: Client
) -> None:
    page = text(go(destination, "/?x=1", "#/audits?y=2", follow=True))
    assert page.count(STILL) == 1
    old = re.search(r'<a href="([^"]*)">Open the old address of this page</a>', page)
    assert old
    # The name of an organisation is not told to whoever knows its id.
    assert unescape(old[1]) == f"http://portal.localhost/?tid={TID}&x=1#/audits?y=2"


def test_the_old_address_opens_the_old_page(contoso: Tenant, legacy: Client) -> None:
    answer = legacy.get(f"/?tid={TID}&x=1", headers={"host": "portal.localhost"})
    assert answer.status_code == HTTPStatus.OK
    assert answer["Redirection-Decision"].startswith("off;")


def test_while_on_there_is_nothing_to_say(
    contoso: Tenant, destination: Client, switch: Switch
) -> None:
    switch(contoso, "on")
    assert STILL not in text(go(destination, "/", "#/audits", follow=True))


@pytest.mark.parametrize("tid", ["", "nonsense", "44444444-4444-4444-8444-444444444444"])
def test_of_an_organisation_nobody_knows_nothing_is_said(
    tid: str, contoso: Tenant, destination: Client
) -> None:
    assert STILL not in text(go(destination, "/", "#/audits", tid=tid, follow=True))


def test_a_nearest_page_and_none_say_it_as_well(contoso: Tenant, destination: Client) -> None:
    for route in ("#/alerts/5f2a", "#/security-configuration", "#/nobody"):
        assert text(go(destination, "/", route, follow=True)).count(STILL) == 1


def test_a_destination_that_shows_no_notices_gets_a_page_before_it(
    contoso: Tenant, destination: Client, settings: Settings, switch: Switch
) -> None:
    settings.REDIRECTION_DESTINATION_SHOWS_NOTICES = False
    answer = go(destination, "/", "#/audits?y=2")
    # An address of its own, so that a reload sends nothing again.
    assert answer["Location"].startswith(f"{GO}?")
    page = text(destination.get(answer["Location"]))
    assert f"<h1>{STILL}</h1>" in page
    assert 'href="/cloudapps/activity-log?y=2">Continue to Microsoft 365 Defender</a>' in page
    assert f'href="http://portal.localhost/?tid={TID}#/audits?y=2">Open the old address' in page
    switch(contoso, "on")
    assert go(destination, "/", "#/audits?y=2")["Location"] == "/cloudapps/activity-log?y=2"


@pytest.mark.parametrize(
    "from_",
    ["//evil.example/", "/\\evil.example", "http://evil.example/", "@evil.example", "/a\nb"],
)
def test_no_old_address_leads_anywhere_else(
    from_: str, contoso: Tenant, destination: Client, settings: Settings
) -> None:
    settings.REDIRECTION_DESTINATION_SHOWS_NOTICES = False
    page = text(destination.get(f"{GO}?tid={TID}&from={quote(from_)}"))
    assert f'href="http://portal.localhost/?tid={TID}">' in page
    assert 'href="//evil' not in page
    assert 'href="http://evil' not in page


def test_a_page_opened_from_a_mail_says_it_to_who_is_signed_in(
    contoso: Tenant, member: Client, switch: Switch
) -> None:
    assert STILL in text(member.get("/cloudapps/activity-log"))
    switch(contoso, "on")
    assert STILL not in text(member.get("/cloudapps/activity-log"))


def test_a_stranger_is_told_nothing(db: None, contoso: Tenant, destination: Client) -> None:
    page = text(destination.get(f"/alerts?tid={TID}"))
    assert STILL not in page
    assert "The old address of this page" in page
