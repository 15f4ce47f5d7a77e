"""The settings page: see the state, switch it, and see who did."""

from __future__ import annotations

import re
from html import unescape
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import pytest
from django.db import OperationalError, connection
from django.test import Client

from portal.models import Person
from redirection.models import Change, LocalRole, Tenant
from tests.conftest import MakePerson, Switch

PAGE = "/cloudapps/settings?tabid=autoRedirection"
POST_TO = "/cloudapps/settings/switch-redirection"


def sign_in(browser: Client, person: Person) -> None:
    browser.force_login(person, "redirection.permissions.TenantRolesBackend")


def text(response: Any) -> str:
    return " ".join(unescape(response.content.decode()).split())


def form(tenant: Tenant, **changed: Any) -> dict[str, Any]:
    return {
        "wanted": "on",
        "reason_kind": "ready",
        "reason": "Pilot is done",
        "seen_revision": tenant.revision,
        "tid": tenant.tid,
        **changed,
    }


def test_nobody_sees_it_without_signing_in(contoso: Tenant, destination: Client) -> None:
    response = destination.get(PAGE)
    assert response.status_code == HTTPStatus.FOUND
    assert response["Location"].startswith("/auth/sign-in?next=/cloudapps/settings")


def test_ada_sees_the_state_in_words_and_the_switch(ada: Person, destination: Client) -> None:
    sign_in(destination, ada)
    page = text(destination.get(PAGE))
    assert 'role="switch"' in page
    assert 'aria-checked="false"' in page
    assert "Automatic redirection" in page
    assert "Redirection to Microsoft 365 Defender" in page


def test_rita_sees_the_state_and_no_switch(
    rita: Person, contoso: Tenant, destination: Client, switch: Switch
) -> None:
    switch(contoso, "on")
    sign_in(destination, rita)
    page = text(destination.get(PAGE + "&confirm=off"))
    assert "The test asks for it" in page
    assert 'role="switch"' not in page
    assert 'name="reason"' not in page


def test_otto_is_told_why_he_may_not_and_whom_to_ask(
    otto: Person, destination: Client, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in(destination, otto)
    response = destination.get(PAGE)
    assert response.status_code == HTTPStatus.FORBIDDEN
    page = text(response)
    assert "Ask a Global, Security or Cloud App Security administrator" in page
    # The same reference stands in the log.
    reference = re.search(r"Reference: ([0-9a-f]{8})", page)
    assert reference
    assert f"reference={reference[1]} GET /cloudapps/settings for contoso" in caplog.text


def test_somebody_without_any_organisation_is_told_so(destination: Client, db: None) -> None:
    operator = Person.objects.create_superuser("olga", password="a-long-enough-password")
    sign_in(destination, operator)
    response = destination.get(PAGE)
    assert response.status_code == HTTPStatus.FORBIDDEN
    assert "belongs to no organisation" in text(response)


def test_the_confirmation_says_what_will_happen(ada: Person, destination: Client) -> None:
    sign_in(destination, ada)
    page = text(destination.get(PAGE + "&confirm=on"))
    assert 'name="reason"' in page
    assert 'name="wanted" value="on"' in page
    assert "Switch on" in page


def test_switching_off_also_offers_feedback(
    ada: Person, contoso: Tenant, destination: Client, switch: Switch
) -> None:
    switch(contoso, "on")
    sign_in(destination, ada)
    page = text(destination.get(PAGE + "&confirm=off"))
    main = page[page.index("<main") :]
    assert "/redirection/feedback" in main
    assert "Give feedback" in main


@pytest.mark.parametrize("confirm", ["off", "", "toggle", "on%00"])
def test_there_is_nothing_to_confirm_without_a_change(
    confirm: str, ada: Person, destination: Client
) -> None:
    sign_in(destination, ada)
    assert 'name="reason"' not in text(destination.get(f"{PAGE}&confirm={confirm}"))


def test_ada_switches_and_sees_who_did_it(
    ada: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    response = destination.post(POST_TO, form(contoso), follow=True)
    contoso.refresh_from_db()
    assert contoso.is_on
    page = text(response)
    assert "Automatic redirection is on." in page
    assert 'aria-checked="true"' in page
    assert "Pilot is done" in page
    assert "Ada" in page


def test_posting_the_state_that_is_there_changes_nothing(
    ada: Person, contoso: Tenant, destination: Client, switch: Switch
) -> None:
    switch(contoso, "on")
    sign_in(destination, ada)
    before = Change.objects.count()
    for _ in range(2):
        response = destination.post(POST_TO, form(contoso), follow=True)
        assert "Nothing changed" in text(response)
    assert Change.objects.count() == before


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("wanted", "", "Choose on or off."),
        ("wanted", "toggle", "Choose on or off."),
        ("wanted", "on\x00", "Choose on or off."),
        ("reason", "", "Say why, in a few words."),
        ("reason", " \n ", "Say why, in a few words."),
        ("reason", "x" * 501, "at most 500 characters"),
        ("reason", "with\x00nul", "Null characters are not allowed."),
        ("seen_revision", "", ""),
        ("seen_revision", "-1", ""),
        ("seen_revision", "9" * 400, ""),
    ],
)
def test_a_wrong_value_is_an_error_and_changes_nothing(
    field: str, value: str, error: str, ada: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    before = Change.objects.count()
    response = destination.post(POST_TO, form(contoso, **{field: value}))
    assert response.status_code in (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT)
    assert error in text(response)
    assert Change.objects.count() == before
    contoso.refresh_from_db()
    assert not contoso.is_on


def test_what_was_typed_is_still_there_after_an_error(
    ada: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    typed = "Because <b>everybody</b> is ready"
    response = destination.post(POST_TO, form(contoso, seen_revision="x", reason=typed))
    assert "&lt;b&gt;everybody&lt;/b&gt;" in response.content.decode()
    assert 'name="wanted" value="on"' in text(response)


def test_an_outdated_page_shows_what_changed_and_keeps_the_reason(
    ada: Person, contoso: Tenant, destination: Client, switch: Switch
) -> None:
    sign_in(destination, ada)
    outdated = form(contoso, reason="My own reason")
    switch(contoso, "on")
    switch(contoso, "off")
    response = destination.post(POST_TO, outdated)
    assert response.status_code == HTTPStatus.CONFLICT
    page = text(response)
    assert "My own reason" in page
    assert "a test" in page
    contoso.refresh_from_db()
    assert not contoso.is_on
    # Sent again, it is meant for the state now shown.
    assert f'name="seen_revision" value="{contoso.revision}"' in page
    again = destination.post(POST_TO, form(contoso, reason="My own reason"))
    assert again.status_code == HTTPStatus.FOUND


def test_another_tenants_id_is_not_found(
    ada: Person, contoso: Tenant, fabrikam: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    for tid in (fabrikam.tid, "44444444-4444-4444-8444-444444444444", "nonsense", "\x00"):
        page = destination.get(PAGE, {"tabid": "autoRedirection", "tid": str(tid)})
        assert page.status_code == HTTPStatus.NOT_FOUND
        posted = destination.post(POST_TO, form(contoso, tid=str(tid)))
        assert posted.status_code == HTTPStatus.NOT_FOUND
    assert not Tenant.objects.filter(setting="on").exists()


def test_a_person_of_two_tenants_switches_the_one_on_the_page(
    ada: Person, contoso: Tenant, fabrikam: Tenant, destination: Client
) -> None:
    from redirection.models import RoleSnapshot

    RoleSnapshot.objects.create(
        person=ada, tenant=fabrikam, directory_roles=["62e90394-69f5-4237-9190-012177145e10"]
    )
    sign_in(destination, ada)
    page = text(destination.get(PAGE, {"tabid": "autoRedirection", "tid": str(contoso.tid)}))
    assert "Fabrikam" in page
    destination.post(POST_TO, form(fabrikam))
    fabrikam.refresh_from_db()
    contoso.refresh_from_db()
    assert fabrikam.is_on
    assert not contoso.is_on


def test_at_the_last_stage_the_page_explains_and_has_no_switch(
    ada: Person, contoso: Tenant, destination: Client
) -> None:
    contoso.change_stage(
        "forced", reason_kind="planned", reason="June", channel="command", operator="a test"
    )
    sign_in(destination, ada)
    page = text(destination.get(PAGE + "&confirm=off"))
    assert 'role="switch"' not in page
    posted = destination.post(POST_TO, form(contoso, wanted="off"))
    assert posted.status_code == HTTPStatus.BAD_REQUEST
    assert "can no longer be switched" in text(posted)


def test_the_switch_takes_a_post_with_its_own_token_only(ada: Person, contoso: Tenant) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"host": "security.localhost"})
    sign_in(browser, ada)
    assert browser.post(POST_TO, form(contoso)).status_code == HTTPStatus.FORBIDDEN
    # Somebody who reloads the answer to their form is back on the page.
    assert browser.get(POST_TO)["Location"] == PAGE
    contoso.refresh_from_db()
    assert not contoso.is_on


def test_a_store_that_fails_is_said_and_nothing_is_saved(
    ada: Person, contoso: Tenant, destination: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(destination, ada)

    def fail(*args: object, **words: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(Change, "save", fail)
    response = destination.post(POST_TO, form(contoso))
    monkeypatch.undo()
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert response["Retry-After"]
    contoso.refresh_from_db()
    assert not contoso.is_on


def test_a_page_of_settings_that_does_not_exist_is_not_found(
    ada: Person, destination: Client
) -> None:
    sign_in(destination, ada)
    response = destination.get("/cloudapps/settings?tabid=nothing")
    assert response.status_code == HTTPStatus.NOT_FOUND


def test_no_answer_of_the_page_is_kept_by_a_cache(ada: Person, destination: Client) -> None:
    sign_in(destination, ada)
    assert "no-store" in destination.get(PAGE)["Cache-Control"]


def test_a_person_cannot_learn_that_a_tenant_exists(
    person: MakePerson, contoso: Tenant, fabrikam: Tenant, destination: Client
) -> None:
    sign_in(destination, person(fabrikam, "Fay"))
    known = destination.get(PAGE, {"tabid": "autoRedirection", "tid": str(contoso.tid)})
    unknown = destination.get(
        PAGE, {"tabid": "autoRedirection", "tid": "44444444-4444-4444-8444-444444444444"}
    )
    assert known.status_code == unknown.status_code == HTTPStatus.NOT_FOUND


def unsent_owner(browser: Client, path: str) -> str:
    """The hidden field that says for whom a form was made; empty on a page without the form."""
    found = re.search(r'name="unsent_owner" value="([^"]+)"', text(browser.get(path)))
    return found[1] if found else ""


def post_after_the_end(browser: Client, **fields: Any) -> str:
    """Send the form when the session has ended; the way back after the next sign-in."""
    browser.logout()
    sign_in_page, _, back = browser.post(POST_TO, fields)["Location"].partition("?next=")
    assert sign_in_page == "/auth/sign-in"
    return unquote(back)


def test_a_session_that_ended_meanwhile_loses_nothing(
    ada: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    made_for = unsent_owner(destination, PAGE + "&confirm=on")
    typed = form(contoso, reason="Typed with care", unsent_owner=made_for)
    back = post_after_the_end(destination, **typed)
    sign_in(destination, ada)
    assert "Typed with care" in text(destination.get(back))
    contoso.refresh_from_db()
    assert not contoso.is_on


def test_what_one_person_typed_is_not_shown_to_the_next(
    ada: Person, contoso: Tenant, person: MakePerson, destination: Client
) -> None:
    sign_in(destination, ada)
    made_for = unsent_owner(destination, PAGE + "&confirm=on")
    typed = form(contoso, reason="Typed with care", unsent_owner=made_for)
    back = post_after_the_end(destination, **typed)
    sign_in(destination, person(contoso, "Gloria", roles=["62e90394-69f5-4237-9190-012177145e10"]))
    page = text(destination.get(back))
    assert 'name="reason"' in page
    assert "Typed with care" not in page


def test_the_way_back_leads_to_the_organisation_it_was_typed_for(
    ada: Person, contoso: Tenant, fabrikam: Tenant, destination: Client
) -> None:
    LocalRole.objects.create(person=ada, tenant=fabrikam, role="global_administrator")
    sign_in(destination, ada)
    made_for = unsent_owner(destination, f"{PAGE}&confirm=on&tid={fabrikam.tid}")
    typed = form(fabrikam, reason="For Fabrikam", unsent_owner=made_for)
    back = post_after_the_end(destination, **typed)
    sign_in(destination, ada)
    page = text(destination.get(back))
    assert "For Fabrikam" in page
    assert f'name="tid" value="{fabrikam.tid}"' in page


def test_what_an_operator_did_is_in_the_history_too(
    ada: Person, contoso: Tenant, destination: Client, switch: Switch
) -> None:
    sign_in(destination, ada)
    for enabled in (False, True):
        contoso.enabled = enabled
        contoso.provision(reason="Unpaid bill", channel="admin", operator="Olga")
    assert "Unpaid bill" in text(destination.get(PAGE))
    assert "/cloudapps/settings/redirection-history" in text(destination.get(PAGE))


def test_a_reason_is_as_long_as_it_is_stored(
    ada: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    # A browser counts a line break once, and sends two characters.
    response = destination.post(POST_TO, form(contoso, reason="x" * 498 + "\r\ny"))
    assert response.status_code == HTTPStatus.FOUND
    assert contoso.changes.latest().reason == "x" * 498 + " y"


@pytest.mark.parametrize("wrong", [{"tid": ""}, {"seen_revision": 10**6}])
def test_a_form_that_fits_no_state_is_said_to_be_out_of_date(
    wrong: dict[str, Any], ada: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    response = destination.post(POST_TO, form(contoso, reason="My own words", **wrong))
    assert response.status_code in (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT)
    page = text(response)
    assert "This form is out of date." in page
    assert "My own words" in page
    assert f'name="tid" value="{contoso.tid}"' in page


def test_the_same_form_twice_says_the_same_twice(
    ada: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    first, second = (destination.post(POST_TO, form(contoso), follow=True) for _ in range(2))
    for answer in (first, second):
        assert "Automatic redirection is on. Where" in text(answer)
    assert contoso.changes.filter(what="setting").count() == 1


def test_another_reason_from_another_tab_is_not_dropped_in_silence(
    ada: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    outdated = form(contoso, reason="Typed in the other tab")
    destination.post(POST_TO, form(contoso))
    page = text(destination.post(POST_TO, outdated))
    assert "Your reason was not stored" in page
    assert "Typed in the other tab" in page


def test_asking_for_the_state_that_is_there_gets_a_word(
    ada: Person, contoso: Tenant, destination: Client, switch: Switch
) -> None:
    switch(contoso, "on")
    sign_in(destination, ada)
    assert "already was on. Nothing changed." in text(destination.get(PAGE + "&confirm=on"))


def test_a_form_with_an_error_begins_at_the_field_that_has_it(
    ada: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    response = destination.post(POST_TO, form(contoso, reason=" "))
    assert re.search(r"<textarea[^>]* autofocus", response.content.decode())
    assert "<title>Not switched: " in response.content.decode()


def test_a_form_from_before_anything_happened_here_is_out_of_date(
    ada: Person, contoso: Tenant, destination: Client
) -> None:
    """As after a backup was restored that knows the tenant, but none of its changes."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM redirection_change")
    sign_in(destination, ada)
    response = destination.post(POST_TO, form(contoso, seen_revision=contoso.revision + 5))
    assert response.status_code == HTTPStatus.CONFLICT
    assert "This form is out of date." in text(response)


def test_what_an_operator_did_meanwhile_makes_the_own_change_no_conflict(
    ada: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    asked = form(contoso)
    destination.post(POST_TO, asked)
    contoso.refresh_from_db()
    contoso.title = "Contoso Ltd"
    contoso.provision(reason="New name", channel="admin", operator="Olga")
    assert "Automatic redirection is on. Where" in text(
        destination.post(POST_TO, asked, follow=True)
    )


def test_a_stage_that_moved_meanwhile_leaves_nothing_to_confirm(
    ada: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    asked = form(contoso, reason="My own words")
    contoso.change_stage(
        "opt_out", reason_kind="planned", reason="July", channel="command", operator="Olga"
    )
    response = destination.post(POST_TO, asked)
    assert response.status_code == HTTPStatus.CONFLICT
    page = text(response)
    assert "Switch automatic redirection on?" not in page
    assert "July" in page
    assert "My own words" in page


def test_forced_meanwhile_is_said_and_the_reason_is_not_lost(
    ada: Person, contoso: Tenant, destination: Client
) -> None:
    contoso.change_stage(
        "forced", reason_kind="planned", reason="June", channel="command", operator="Olga"
    )
    sign_in(destination, ada)
    page = text(destination.get(PAGE + "&confirm=off"))
    assert "Switch automatic redirection off?" not in page
    page = text(destination.post(POST_TO, form(contoso, wanted="off", reason="My own words")))
    assert "can no longer be switched" in page
    assert "My own words" in page


def test_a_refused_post_stands_in_the_log(
    rita: Person, contoso: Tenant, destination: Client, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in(destination, rita)
    assert destination.post(POST_TO, form(contoso)).status_code == HTTPStatus.FORBIDDEN
    assert "Refused: reference=" in caplog.text
