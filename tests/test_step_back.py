"""Somebody who was redirected opens the old page for one task, and it ends by itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import ada_url
import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from portal.models import Person
from redirection import retention, step_backs, switches
from redirection.conf import conf
from redirection.models import DeepLinkRule, Feedback, StepBack, StepBackGrant, Tenant
from redirection.rule_sets import RuleSet
from tests.conftest import PAGE_LOAD, Switch
from tests.test_deep_links import HOSTILE
from tests.test_middleware import open_page
from tests.test_settings_page import sign_in, text

ASK = "/redirection/step-back"
LEGACY = "http://contoso.portal.localhost"
PAGE = "/#/audits?activity.id=eq(abc123,)"

Allow = Callable[..., None]


@pytest.fixture
def allow() -> Allow:
    """Allows or forbids stepping back, and this worker knows: ``allow(contoso, "off")``."""

    def to(tenant: Tenant, wanted: str = "on", minutes: int = 60) -> None:
        tenant.switch_step_back(
            wanted,
            minutes,
            reason_kind="missing",
            reason="The test asks for it",
            channel="command",
            operator="a test",
        )
        switches.refresh()

    return to


@pytest.fixture
def eight(db: None) -> Any:
    """It is eight o'clock, and only a test moves the clock."""
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def moved(eight: Any, contoso: Tenant, switch: Switch, allow: Allow) -> Tenant:
    """Contoso is redirected since eight, and its people may step back for an hour."""
    switch(contoso, "on")
    allow(contoso)
    return contoso


def asked(browser: Client, page: str = PAGE, **fields: str) -> Any:
    """The answer to the form."""
    return browser.post(ASK, {"page": page, "reason": "missing", **fields})


def followed(legacy: Client, response: Any) -> Any:
    """The legacy portal's answer to whoever is sent there."""
    address = urlsplit(response["Location"])
    return legacy.get(f"{address.path}?{address.query}", headers={"host": address.netloc})


@pytest.fixture
def otto_there(moved: Tenant, otto: Person, destination: Client, legacy: Client) -> Client:
    """The browser of Otto, who has stepped back to the legacy portal."""
    sign_in(destination, otto)
    assert followed(legacy, asked(destination)).status_code == HTTPStatus.FOUND
    return legacy


def encodable(text: str) -> str:
    """Half a pair is sent by no browser."""
    return text.encode(errors="replace").decode()


def decision(response: Any) -> str:
    return str(response["Redirection-Decision"]).partition(";")[0]


def banner(response: Any) -> str:
    page = unescape(response.content.decode())
    start = page.find('id="step-back-banner"')
    return "" if start < 0 else " ".join(page[start : page.index("</section>", start)].split())


def test_the_page_asks_why_and_says_until_when(
    moved: Tenant, otto: Person, destination: Client
) -> None:
    sign_in(destination, otto)
    page = text(destination.get(ASK, {"page": PAGE}))
    assert "Microsoft Defender for Cloud Apps stays open in this browser for 1 hour" in page
    assert 'datetime="2026-01-05T09:00:00+00:00"' in page
    assert f"<code>{PAGE}</code>" in page
    assert re.findall(r'name="reason" value="(\w+)"', page) == [
        "missing", "broken", "training", "deadline", "other",
    ]  # fmt: skip
    assert "checked" not in page


def test_the_grant_leads_to_the_page_with_the_part_behind_the_hash(
    moved: Tenant, otto: Person, destination: Client, legacy: Client
) -> None:
    sign_in(destination, otto)
    response = asked(destination)
    assert response.status_code == HTTPStatus.FOUND
    assert response["Location"].startswith(f"{LEGACY}/redirection/step-back?grant=")
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]
    taken = followed(legacy, response)
    assert taken["Location"] == PAGE
    assert "no-store" in taken["Cache-Control"]
    (name,) = [name for name in taken.cookies if "step_back" in name]
    cookie = taken.cookies[name]
    assert (cookie["domain"], cookie["max-age"]) == ("portal.localhost", 3600)
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_while_it_lasts_page_loads_stay_and_say_why(otto_there: Client, eight: Any) -> None:
    for minutes in (0, 30, 29):
        eight.shift(minutes * 60)
        response = otto_there.get("/audits")
        assert response.status_code == HTTPStatus.OK
        assert decision(response) == "stepped_back"
    shown = banner(response)
    assert "is open for one task, until" in shown
    assert 'datetime="2026-01-05T09:00:00+00:00"' in shown
    assert "Go back to Microsoft 365 Defender now" in shown
    # The portal script would send a new tab on.
    assert "data-since" not in response.content.decode()
    assert 'id="legacy-banner"' not in response.content.decode()


def test_it_begins_no_legacy_session_and_ends_by_itself(otto_there: Client, eight: Any) -> None:
    otto_there.get("/")
    assert not any(name.startswith("legacy_session") for name in otto_there.cookies)
    eight.shift(3600)
    response = otto_there.get("/audits")
    assert response.status_code == HTTPStatus.FOUND
    assert decision(response) == "new_session"


def test_a_form_sent_after_the_end_is_not_lost(otto_there: Client, eight: Any) -> None:
    eight.shift(3601)
    response = otto_there.post("/notes", {"text": "Half a thought", "page": "/audits"})
    assert response.status_code == HTTPStatus.SEE_OTHER
    # What follows is a page load.
    assert is_led_on(otto_there.get(response["Location"]))


def test_it_never_extends_itself(otto_there: Client, eight: Any) -> None:
    (name,) = [name for name in otto_there.cookies if "step_back" in name]
    before = otto_there.cookies[name].value
    for _ in range(3):
        eight.shift(900)
        assert name not in otto_there.get("/").cookies
        otto_there.post("/notes", {"text": "At work"})
    assert otto_there.cookies[name].value == before


def test_a_form_that_shows_its_own_page_says_it_too(otto_there: Client) -> None:
    response = otto_there.post("/notes", {"text": "", "page": "/audits"})
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "Go back to" in banner(response)
    assert "data-since" not in response.content.decode()


def test_going_back_ends_it(otto_there: Client) -> None:
    assert StepBackGrant.objects.filter(is_ended=False).count() == 1
    response = otto_there.post("/redirection/end-step-back", {"next": "/audits?a=1"})
    # A redirect after a form is what a policy of the page may forbid.
    assert response.status_code == HTTPStatus.OK
    assert leads_on_to(response) == (
        "http://security.localhost/redirection/hand-over"
        "?tid=11111111-1111-4111-8111-111111111111&from=/audits%3Fa%3D1"
    )
    assert StepBackGrant.objects.filter(is_ended=False).count() == 0
    assert not any(
        "step_back" in name and cookie.value for name, cookie in otto_there.cookies.items()
    )
    assert decision(otto_there.get("/")) == "new_session"


@pytest.mark.parametrize("address", HOSTILE)
def test_going_back_leads_to_no_foreign_host(address: str, otto_there: Client) -> None:
    response = otto_there.post("/redirection/end-step-back", {"next": encodable(address)})
    target = ada_url.URL(leads_on_to(response), LEGACY)
    assert target.origin == "http://security.localhost"
    assert target.pathname == "/redirection/hand-over"


def leads_on_to(response: Any) -> str:
    """Where the page leads that follows a form."""
    found = re.search(r'<a id="lead-on" href="([^"]*)"', response.content.decode())
    assert found
    return unescape(found[1])


def is_led_on(response: Any) -> bool:
    """Whether the load after a form goes to the destination: a page leads on, see form_chains."""
    return 'http-equiv="refresh" content="0;url=http://security.localhost' in (
        response.content.decode()
    )


def test_while_it_is_off_going_back_stays_on_the_page(
    otto_there: Client, moved: Tenant, switch: Switch
) -> None:
    switch(moved, "off")
    response = otto_there.post("/redirection/end-step-back", {"next": "/audits?a=1"})
    assert (response.status_code, response["Location"]) == (HTTPStatus.FOUND, "/audits?a=1")


def test_a_frame_says_nothing_of_it(otto_there: Client) -> None:
    framed = otto_there.get("/", headers={"sec-fetch-dest": "iframe"})
    assert framed.status_code == HTTPStatus.OK
    assert banner(framed) == ""


def test_a_page_that_is_open_learns_that_it_has_ended(otto_there: Client, eight: Any) -> None:
    asks = {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin"}
    assert "Go back to" in banner(otto_there.get("/redirection/here", headers=asks))
    eight.shift(3600)
    answer = otto_there.get("/redirection/here", headers=asks)
    assert answer.status_code == HTTPStatus.NO_CONTENT


def test_a_grant_fetched_ahead_of_time_is_not_used_up(
    moved: Tenant, otto: Person, destination: Client, legacy: Client
) -> None:
    sign_in(destination, otto)
    response = asked(destination)
    address = urlsplit(response["Location"])
    early = legacy.get(
        f"{address.path}?{address.query}",
        headers={"host": address.netloc, "sec-purpose": "prefetch"},
    )
    assert early.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert not any("step_back" in name for name in early.cookies)
    assert followed(legacy, response)["Location"] == PAGE


def test_the_old_page_is_found_by_an_operators_rule_too(
    moved: Tenant, otto: Person, destination: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    DeepLinkRule.objects.create(kind="exact", source="/old/a", target="/new/a")
    rules = RuleSet(DeepLinkRule.objects.as_rules(), 1)
    held = switches.held()
    monkeypatch.setattr(switches, "_held", held.with_changes(held.revision, [], rules))
    sign_in(destination, otto)
    assert "<code>/#/old/a</code>" in text(destination.get(ASK, {"at": "/new/a"}))


def test_a_sign_out_ends_it(otto_there: Client) -> None:
    otto_there.post("/auth/sign-out")
    assert is_led_on(otto_there.get("/"))


def test_forbidding_it_ends_all_at_the_next_page_load_and_for_good(
    otto_there: Client, moved: Tenant, allow: Allow, eight: Any
) -> None:
    eight.shift(60)
    allow(moved, "off")
    assert otto_there.get("/").status_code == HTTPStatus.FOUND
    eight.shift(60)
    allow(moved, "on")
    assert otto_there.get("/").status_code == HTTPStatus.FOUND


def test_other_minutes_count_for_new_ones(
    otto_there: Client, moved: Tenant, allow: Allow, eight: Any
) -> None:
    allow(moved, "on", 15)
    eight.shift(59 * 60)
    assert otto_there.get("/").status_code == HTTPStatus.OK


def test_it_is_nothing_while_redirection_is_off(
    otto_there: Client, moved: Tenant, switch: Switch
) -> None:
    switch(moved, "off")
    response = otto_there.get("/")
    assert decision(response) == "off"
    assert banner(response) == ""


def test_a_session_from_before_goes_on_afterwards(
    eight: Any, contoso: Tenant, otto: Person, switch: Switch, allow: Allow,
    destination: Client, legacy: Client,
) -> None:  # fmt: skip
    legacy.get("/")
    eight.shift(60)
    switch(contoso, "on")
    allow(contoso, "on", 15)
    sign_in(destination, otto)
    followed(legacy, asked(destination))
    assert decision(legacy.get("/")) == "stepped_back"
    eight.shift(15 * 60)
    response = legacy.get("/")
    assert decision(response) == "session_continues"
    # New tabs go again.
    assert "data-since" in response.content.decode()


def test_a_grant_is_used_once(
    moved: Tenant, otto: Person, destination: Client, legacy: Client
) -> None:
    sign_in(destination, otto)
    response = asked(destination)
    first = followed(legacy, response)
    # Loaded again, the browser that took it goes on.
    again = followed(legacy, response)
    assert again["Location"] == first["Location"] == PAGE
    assert not again.cookies
    somebody = Client(headers=PAGE_LOAD)
    refused = followed(somebody, response)
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert not any("step_back" in name for name in refused.cookies)
    page = text(refused)
    assert "counts once and for a minute" in page
    assert 'href="http://security.localhost/redirection/step-back?page=' in page


def test_asking_again_in_the_same_browser_is_still_one(
    otto_there: Client, moved: Tenant, destination: Client, eight: Any
) -> None:
    eight.shift(30 * 60)
    followed(otto_there, asked(destination, reason="deadline"))
    found = StepBack.objects.of(moved, timezone.now(), 30)
    assert (found.running, found.total) == (1, 2)
    # The new one has its whole time.
    eight.shift(45 * 60)
    assert decision(otto_there.get("/")) == "stepped_back"


def test_whoever_stays_is_back_where_they_were(
    moved: Tenant, otto: Person, destination: Client
) -> None:
    sign_in(destination, otto)
    for at, stay in (("/alerts?a=1", "/alerts?a=1"), ("//evil.example", "/")):
        page = destination.get(ASK, {"at": at}).content.decode()
        assert f'<a class="button" href="{stay}">Stay here</a>' in page


def test_a_grant_counts_for_a_minute(
    moved: Tenant, otto: Person, destination: Client, legacy: Client, eight: Any
) -> None:
    sign_in(destination, otto)
    response = asked(destination)
    eight.shift(61)
    assert followed(legacy, response).status_code == HTTPStatus.FORBIDDEN


def test_a_grant_is_none_once_it_is_forbidden(
    moved: Tenant, otto: Person, destination: Client, legacy: Client, allow: Allow
) -> None:
    sign_in(destination, otto)
    response = asked(destination)
    allow(moved, "off")
    assert followed(legacy, response).status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(
    "host", ["fabrikam.portal.localhost", "portal.localhost", "contoso.portal.gov.localhost"]
)
def test_a_grant_counts_on_the_hosts_of_its_tenant_only(
    host: str, moved: Tenant, fabrikam: Tenant, otto: Person, destination: Client
) -> None:
    sign_in(destination, otto)
    grant = urlsplit(asked(destination)["Location"]).query
    browser = Client(headers={**PAGE_LOAD, "host": host})
    refused = browser.get(f"/redirection/step-back?{grant}")
    assert refused.status_code == HTTPStatus.FORBIDDEN
    # And it was not used up.
    right = Client(headers={**PAGE_LOAD, "host": "contoso.us2.portal.localhost"})
    assert right.get(f"/redirection/step-back?{grant}").status_code == HTTPStatus.FOUND


@pytest.mark.parametrize("grant", ["", "x", "a:b:c", "%00", "\ud7ff", "." * 9000])
def test_what_is_no_grant_gets_a_page(grant: str, contoso: Tenant, legacy: Client) -> None:
    refused = legacy.get("/redirection/step-back", {"grant": grant})
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert "Begin again in Microsoft 365 Defender" in text(refused)


@pytest.mark.parametrize("address", HOSTILE)
def test_no_hostile_page_leaves_the_legacy_host(
    address: str, moved: Tenant, otto: Person, destination: Client, legacy: Client
) -> None:
    sign_in(destination, otto)
    response = asked(destination, encodable(address))
    assert ada_url.URL(response["Location"]).origin == LEGACY
    taken = followed(legacy, response)["Location"]
    assert ada_url.URL(taken, LEGACY).origin == LEGACY
    assert taken.isascii()
    assert taken.isprintable()


@pytest.mark.parametrize("page", ["/auth/sign-out", "/redirection/step-back?grant=x", "/api/v1/"])
def test_what_is_no_page_is_not_opened(
    page: str, moved: Tenant, otto: Person, destination: Client, legacy: Client
) -> None:
    sign_in(destination, otto)
    assert followed(legacy, asked(destination, page))["Location"] == "/"


def test_a_page_whose_filters_are_too_long_opens_without_them(
    moved: Tenant, otto: Person, destination: Client, legacy: Client
) -> None:
    sign_in(destination, otto)
    response = asked(destination, f"/#/audits?q={'x' * 6000}")
    assert len(response["Location"]) < 8000
    assert followed(legacy, response)["Location"] == "/#/audits"
    assert followed(legacy, asked(destination, f"/#/{'x' * 6000}"))["Location"] == "/"


def test_without_a_reason_nothing_happens_and_nothing_is_lost(
    moved: Tenant, otto: Person, destination: Client
) -> None:
    sign_in(destination, otto)
    for reason in ("", "because"):
        response = asked(destination, reason=reason, text="The audit is due", send_feedback="on")
        assert response.status_code == HTTPStatus.BAD_REQUEST
        page = text(response)
        assert "Choose one." in page
        assert "The audit is due" in page
        assert f"<code>{PAGE}</code>" in page
    assert not StepBackGrant.objects.exists()
    assert not StepBack.objects.exists()


def test_a_session_that_ended_meanwhile_loses_nothing(
    moved: Tenant, otto: Person, destination: Client
) -> None:
    sign_in(destination, otto)
    shown = destination.get(ASK, {"page": PAGE}).content.decode()
    owner = re.search(r'name="unsent_owner" value="([^"]+)"', shown)
    assert owner
    destination.cookies.clear()
    typed = {"text": "The audit is due", "unsent_owner": owner[1]}
    response = asked(destination, **typed)
    assert response["Location"].startswith("/auth/sign-in?next=/redirection/step-back")
    sign_in(destination, otto)
    page = text(destination.get(ASK))
    assert "The audit is due" in page
    assert f"<code>{PAGE}</code>" in page


def test_where_it_is_not_allowed_the_page_says_so(
    contoso: Tenant, otto: Person, destination: Client, switch: Switch
) -> None:
    switch(contoso, "on")
    sign_in(destination, otto)
    for response in (destination.get(ASK), asked(destination)):
        assert response.status_code == HTTPStatus.FORBIDDEN
        assert "Your organisation does not allow this." in text(response)
    assert not StepBackGrant.objects.exists()


def test_while_redirection_is_off_the_old_page_is_a_link(
    contoso: Tenant, otto: Person, destination: Client
) -> None:
    sign_in(destination, otto)
    page = text(destination.get(ASK, {"page": PAGE}))
    assert f'href="{LEGACY}{PAGE}"' in page


def test_another_tenants_people_are_not_let_in(
    moved: Tenant, fabrikam: Tenant, otto: Person, destination: Client
) -> None:
    sign_in(destination, otto)
    foreign = f"{ASK}?tid={fabrikam.tid}"
    for response in (destination.get(foreign), destination.post(foreign, {"reason": "missing"})):
        assert response.status_code == HTTPStatus.NOT_FOUND
    # Nobody at all without signing in.
    stranger = Client(headers={"host": "security.localhost", **PAGE_LOAD})
    assert stranger.get(ASK)["Location"].startswith("/auth/sign-in")


def test_it_is_counted_by_day_reason_and_kind_of_page_and_by_nothing_else(
    moved: Tenant, otto: Person, ada: Person, destination: Client, eight: Any
) -> None:
    for person in (otto, ada):
        sign_in(destination, person)
        followed(
            Client(headers=PAGE_LOAD), asked(destination, "/#/alerts/5f2a1b3c4d5e6f7a8b9c0d1e")
        )
    asked(destination, "/#/files", reason="deadline")
    counted = StepBack.objects.values_list("day", "reason", "route", "number")
    assert [(str(day), *more) for day, *more in counted] == [
        ("2026-01-05", "deadline", "/files", 1),
        ("2026-01-05", "missing", "/alerts/*", 2),
    ]
    eight.shift(1)
    found = StepBack.objects.of(moved, timezone.now(), 30)
    # The third was asked for and not used.
    assert (found.running, found.total) == (2, 3)
    assert found.by_page == [("/alerts/*", 2), ("/files", 1)]
    eight.shift(3600)
    assert StepBack.objects.of(moved, timezone.now(), 30).running == 0


def test_a_sentence_is_feedback_only_if_the_person_says_so(
    moved: Tenant, otto: Person, destination: Client
) -> None:
    sign_in(destination, otto)
    asked(destination, text="Exports are missing")
    assert not Feedback.objects.exists()
    asked(destination, text="Exports are missing", send_feedback="on")
    sent = Feedback.objects.get()
    assert (sent.tenant, sent.person, sent.text) == (moved, otto, "Exports are missing")
    assert (sent.kind, sent.portal, sent.page) == ("missing", "legacy", PAGE)
    assert (sent.source, sent.rating) == ("step_back", None)


def test_whoever_was_erased_meanwhile_neither_sends_nor_opens(
    moved: Tenant, otto: Person, destination: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def erased(*_: Any) -> None:
        raise Person.DoesNotExist

    monkeypatch.setattr("redirection.feedback.giving.hold", erased)
    sign_in(destination, otto)
    response = asked(destination, text="Exports are missing", send_feedback="on")
    assert response.status_code == HTTPStatus.NOT_FOUND
    assert not StepBackGrant.objects.exists()
    assert not Feedback.objects.exists()


def test_a_page_load_asks_the_store_nothing(
    otto_there: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    cookies = {name: morsel.value for name, morsel in otto_there.cookies.items()}
    with django_assert_num_queries(0):
        _, response = open_page("/audits", cookies=cookies)
    assert response["Redirection-Decision"].startswith("stepped_back;")


def test_a_former_key_still_counts_and_a_foreign_one_does_not(
    otto_there: Client, settings: Settings
) -> None:
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another-secret-key-that-is-just-as-well-known-to-readers"
    assert otto_there.get("/").status_code == HTTPStatus.FOUND
    settings.SECRET_KEY_FALLBACKS = [old]
    assert otto_there.get("/").status_code == HTTPStatus.OK


def test_the_cookie_of_one_tenant_is_none_of_another(
    otto_there: Client, moved: Tenant, fabrikam: Tenant, switch: Switch, allow: Allow
) -> None:
    switch(fabrikam, "on")
    allow(fabrikam)
    name = step_backs.cookie_name(conf(), str(moved.tid))
    other = step_backs.cookie_name(conf(), str(fabrikam.tid))
    for value in (otto_there.cookies[name].value, "x", "x" * 9000, "a.b.c:d", "\u00e9:\u00e9"):
        otto_there.cookies[other] = value
        response = otto_there.get("/", headers={"host": "fabrikam.portal.localhost"})
        assert response.status_code == HTTPStatus.FOUND


def test_over_https_the_cookie_is_secure_by_name_too(settings: Settings) -> None:
    settings.REDIRECTION_SESSION_COOKIE_SECURE = True
    assert step_backs.cookie_name(conf(), "1-2") == "__Secure-legacy_step_back_12"


def test_old_ones_are_let_go(otto_there: Client, eight: Any) -> None:
    eight.shift(86400 * 2)
    retention.forget()
    retention.let_go()
    assert not StepBackGrant.objects.exists()
    assert StepBack.objects.count() == 1
    eight.shift(86400 * 500)
    retention.forget()
    retention.let_go()
    assert not StepBack.objects.exists()


def test_the_address_holds_the_grant_and_nothing_else(
    moved: Tenant, otto: Person, destination: Client
) -> None:
    sign_in(destination, otto)
    query = parse_qs(urlsplit(asked(destination)["Location"]).query)
    assert list(query) == ["grant"]


def test_the_command_allows_it(contoso: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("allow_step_back", "contoso", "on", "--minutes", "30", "--kind", "missing")
    call_command(*words, "--reason", "Exports")
    contoso.refresh_from_db()
    assert (contoso.allow_step_back, contoso.step_back_minutes) == (True, 30)
    said = f"Stepping back in contoso is on, 30 minutes, at revision {contoso.revision}.\n"
    assert capsys.readouterr().out == said
