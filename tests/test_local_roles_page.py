"""Permissions > Roles: see local roles, give, change and take them."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID, uuid5

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.models import Person
from redirection.models import LocalRole, LocalRoleChange, RoleSnapshot, Tenant
from redirection.roles import GLOBAL_READER, SECURITY_READER, Access, LocalRoleName
from tests.conftest import MakePerson
from tests.test_roles import MATRIX, expected
from tests.test_settings_page import PAGE as SETTINGS, sign_in, text, unsent_owner

PAGE = "/cloudapps/permissions/roles"
POST_TO = "/cloudapps/permissions/roles/give-local-role"
OBJECT_ID = "99999999-9999-4999-8999-999999999999"
FULL = LocalRoleName.GLOBAL_ADMINISTRATOR
READER = LocalRoleName.SECURITY_READER
HOSTILE = "</script><b>x</b>{{ 7|add:7 }}\u202e"


def form(tenant: Tenant, person: Person | None = None, **changed: Any) -> dict[str, Any]:
    return {
        "tid": tenant.tid,
        "person": person.pk if person else "",
        "role": READER,
        "reason": "Joined the team",
        "seen_role": "",
        **changed,
    }


def held(tenant: Tenant) -> dict[str, str]:
    rows = LocalRole.objects.filter(tenant=tenant).select_related("person")
    return {str(row.person): row.role for row in rows}


@pytest.mark.parametrize(("directory", "local"), MATRIX)
def test_the_page_its_forms_and_a_direct_post_agree_with_the_matrix(
    directory: str | None,
    local: str | None,
    contoso: Tenant,
    otto: Person,
    person: MakePerson,
    destination: Client,
) -> None:
    given_local = LocalRoleName(local) if local else None
    somebody = person(contoso, roles=[directory] if directory else [], local=given_local)
    sign_in(destination, somebody)
    page = destination.get(PAGE)
    confirmation = destination.get(PAGE, {"person": otto.pk, "role": READER})
    posted = destination.post(POST_TO, form(contoso, otto))
    may = expected(directory, local)
    seen = HTTPStatus.FORBIDDEN if may is Access.NOTHING else HTTPStatus.OK
    assert (page.status_code, confirmation.status_code) == (seen, seen)
    assert (b'id="choose"' in page.content) is (may is Access.SWITCH)
    assert (b'name="reason"' in confirmation.content) is (may is Access.SWITCH)
    assert posted.status_code == (
        HTTPStatus.FOUND if may is Access.SWITCH else HTTPStatus.FORBIDDEN
    )
    assert ("Otto" in held(contoso)) is (may is Access.SWITCH)


def test_nobody_sees_it_without_signing_in(contoso: Tenant, destination: Client) -> None:
    assert destination.get(PAGE)["Location"] == f"/auth/sign-in?next={PAGE}"


def test_otto_is_told_why_he_may_not_and_whom_to_ask(otto: Person, destination: Client) -> None:
    sign_in(destination, otto)
    page = text(destination.get(PAGE))
    assert "Ask a Global, Security or Cloud App Security administrator" in page


def test_the_list_says_what_each_role_gives_and_what_counts_in_the_end(
    rita: Person, contoso: Tenant, person: MakePerson, destination: Client
) -> None:
    person(contoso, "Milo", roles=[GLOBAL_READER, "7" * 8], local=READER)
    Person.objects.filter(display_name="Milo").update(is_active=True)
    invited = Person.objects.create_user(f"{contoso.tid}:{OBJECT_ID}", display_name="Nina")
    LocalRole.objects.create(tenant=contoso, person=invited, role=FULL)
    sign_in(destination, rita)
    page = text(destination.get(PAGE))
    milo, nina = page[page.index("<strong>Milo") :].split("</tr>")[:2]
    assert "Security reader: may not open it" in milo
    assert "Global Reader, 1 that mean nothing here" in milo
    assert f"<code>{OBJECT_ID}</code>" in nina
    assert "Global administrator: may switch redirection and give roles" in nina
    assert "has not signed in here yet" in nina
    assert "A local role overrides directory roles, except" in page
    assert "You can see these roles, not change them." in page


def test_ada_gives_a_role_in_two_steps_without_a_script(
    ada: Person, otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    page = text(destination.get(PAGE))
    assert f'<option value="{otto.pk}">Otto ({otto.object_id})</option>' in page
    asked = text(destination.get(PAGE, {"tid": contoso.tid, "person": otto.pk, "role": FULL}))
    assert "Change the local role of Otto?" in asked
    assert "now: may not open it; afterwards: may switch redirection and give roles" in asked
    assert held(contoso) == {}
    done = text(destination.post(POST_TO, form(contoso, otto, role=FULL), follow=True))
    assert "Otto has the local role Global administrator." in done
    assert "Joined the team" in done
    assert held(contoso) == {"Otto": FULL}


def test_ada_changes_and_takes_a_role(
    ada: Person, contoso: Tenant, person: MakePerson, destination: Client
) -> None:
    milo = person(contoso, "Milo", local=READER)
    sign_in(destination, ada)
    page = text(destination.get(PAGE))
    assert f"person={milo.pk}#choose" in page
    assert f"person={milo.pk}&role=none#confirm" in page
    chosen = text(destination.get(PAGE, {"person": milo.pk}))
    assert f'<option value="{READER}" selected>' in chosen
    destination.post(POST_TO, form(contoso, milo, role=FULL, seen_role=READER))
    assert held(contoso) == {"Milo": FULL}
    taken = destination.post(POST_TO, form(contoso, milo, role="none", seen_role=FULL), follow=True)
    assert "Milo has no local role any more." in text(taken)
    assert held(contoso) == {}


def test_a_role_taken_away_counts_at_the_next_post(
    ada: Person, otto: Person, contoso: Tenant, person: MakePerson, destination: Client
) -> None:
    lena = person(contoso, "Lena", local=FULL)
    sign_in(destination, lena)
    assert destination.get(PAGE).status_code == HTTPStatus.OK
    words = {"reason": "Left", "channel": "page", "author": ada}
    LocalRole.objects.give_local_role(contoso, lena, None, **words)
    assert destination.post(POST_TO, form(contoso, otto)).status_code == HTTPStatus.FORBIDDEN
    switch = {"wanted": "on", "reason": "x", "seen_revision": contoso.revision, "tid": contoso.tid}
    posted = destination.post("/cloudapps/settings/switch-redirection", switch)
    assert posted.status_code == HTTPStatus.FORBIDDEN
    assert held(contoso) == {}


def test_what_is_so_already_is_said_and_changes_nothing(
    ada: Person, contoso: Tenant, person: MakePerson, destination: Client
) -> None:
    milo = person(contoso, "Milo", local=READER)
    sign_in(destination, ada)
    assert "that is so already" in text(destination.get(PAGE, {"person": milo.pk, "role": READER}))
    posted = destination.post(POST_TO, form(contoso, milo), follow=True)
    assert "Nothing changed." in text(posted)
    assert not LocalRoleChange.objects.exists()


def test_the_second_of_two_admins_sees_the_first_and_keeps_what_was_typed(
    ada: Person, otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    destination.post(POST_TO, form(contoso, otto, role=FULL, reason="The first"))
    response = destination.post(POST_TO, form(contoso, otto, reason="My own reason"))
    assert response.status_code == HTTPStatus.CONFLICT
    page = text(response)
    assert "Changed meanwhile" in page
    assert "The first" in page
    assert "My own reason" in page
    assert f'name="seen_role" value="{FULL}"' in page
    assert held(contoso) == {"Otto": FULL}


def test_the_last_way_in_takes_a_second_thought(
    contoso: Tenant, person: MakePerson, destination: Client
) -> None:
    lena = person(contoso, "Lena", local=FULL)
    sign_in(destination, lena)
    asked = text(destination.get(PAGE, {"person": lena.pk, "role": "none"}))
    assert "This is the last way in" in asked
    assert "This is your own role." in asked
    leave = form(contoso, lena, role="none", seen_role=FULL, reason="I am leaving")
    refused = destination.post(POST_TO, leave)
    assert refused.status_code == HTTPStatus.CONFLICT
    assert "I am leaving" in text(refused)
    assert 'name="even_the_last"' in text(refused)
    assert held(contoso) == {"Lena": FULL}
    assert destination.post(POST_TO, leave | {"even_the_last": "on"})["Location"].startswith(PAGE)
    assert held(contoso) == {}
    assert destination.get(PAGE).status_code == HTTPStatus.FORBIDDEN


def test_somebody_unknown_is_invited_by_object_id(
    ada: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    choice = {"object_id": OBJECT_ID.upper(), "name": "Nina", "role": FULL}
    assert "Change the local role of Nina?" in text(destination.get(PAGE, choice))
    assert not Person.objects.filter(display_name="Nina").exists()
    done = destination.post(POST_TO, form(contoso, **choice), follow=True)
    assert "Nina has the local role Global administrator." in text(done)
    assert Person.objects.get(display_name="Nina").username == f"{contoso.tid}:{OBJECT_ID}"


def test_an_object_id_of_somebody_known_shows_the_role_they_have(
    ada: Person, contoso: Tenant, person: MakePerson, destination: Client
) -> None:
    milo = person(contoso, "Milo", local=READER)
    sign_in(destination, ada)
    response = destination.post(POST_TO, form(contoso, object_id=milo.object_id, role=FULL))
    assert response.status_code == HTTPStatus.CONFLICT
    assert "It is now: <strong>Security reader</strong>" in text(response)
    assert held(contoso) == {"Milo": READER}


def test_somebody_known_is_confirmed_as_such_when_named_by_object_id(
    ada: Person, contoso: Tenant, person: MakePerson, destination: Client
) -> None:
    milo = person(contoso, "Milo", local=READER)
    sign_in(destination, ada)
    page = text(destination.get(PAGE, {"object_id": milo.object_id, "role": "none"}))
    assert "Change the local role of Milo?" in page
    assert f'name="person" value="{milo.pk}"' in page
    assert f'name="seen_role" value="{READER}"' in page
    taken = form(contoso, object_id=milo.object_id, role="none", seen_role=READER)
    assert destination.post(POST_TO, taken).status_code == HTTPStatus.FOUND
    assert held(contoso) == {}


def test_the_last_way_in_is_explained_to_whoever_names_it_by_object_id(
    contoso: Tenant, person: MakePerson, destination: Client
) -> None:
    lena = person(contoso, "Lena", local=LocalRoleName(FULL))
    sign_in(destination, lena)
    posted = form(contoso, object_id=lena.object_id, role="none", seen_role=FULL)
    answer = destination.post(POST_TO, posted)
    assert answer.status_code == HTTPStatus.CONFLICT
    assert 'name="even_the_last"' in text(answer)
    assert held(contoso) == {"Lena": FULL}


def test_two_admins_on_an_invited_person_the_second_sees_what_the_first_did(
    ada: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    destination.post(POST_TO, form(contoso, object_id=OBJECT_ID, name="Nina", role=READER))
    nina = Person.objects.get(display_name="Nina")
    second = form(contoso, nina, role=FULL, seen_role=READER)
    destination.post(POST_TO, form(contoso, nina, role="none", seen_role=READER))
    answer = destination.post(POST_TO, second)
    assert answer.status_code == HTTPStatus.CONFLICT
    assert held(contoso) == {}


def test_a_reader_who_posts_is_refused_whatever_is_wrong_with_the_form(
    rita: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, rita)
    answer = destination.post(POST_TO, form(contoso, object_id=OBJECT_ID, reason=""))
    assert answer.status_code == HTTPStatus.FORBIDDEN


def test_a_site_without_invitations_offers_none(
    ada: Person, contoso: Tenant, destination: Client, settings: Any
) -> None:
    settings.REDIRECTION_INVITE = ""
    sign_in(destination, ada)
    assert "object_id" not in text(destination.get(PAGE))
    posted = destination.post(POST_TO, form(contoso, object_id=OBJECT_ID))
    assert posted.status_code == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("role", "", "Choose a role."),
        ("role", "owner", "Choose a role."),
        ("role", "none\x00", "Choose a role."),
        ("reason", "", "Say why, in a few words."),
        ("reason", " \n ", "Say why, in a few words."),
        ("reason", "x" * 501, "at most 500 characters"),
        ("reason", "with\x00nul", "Null characters are not allowed."),
        ("person", "", "one of both"),
        ("object_id", OBJECT_ID, "one of both"),
        ("object_id", "nonsense", "Enter an object id"),
        ("object_id", "\x00", "Enter an object id"),
        ("name", "x" * 151, "at most 150 characters"),
        ("seen_role", "x" * 41, ""),
    ],
)
def test_a_wrong_value_is_an_error_and_changes_nothing(
    field: str,
    value: str,
    error: str,
    ada: Person,
    otto: Person,
    contoso: Tenant,
    destination: Client,
) -> None:
    sign_in(destination, ada)
    typed = form(contoso, otto) | {field: value}
    response = destination.post(POST_TO, typed)
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert error in text(response)
    assert held(contoso) == {}
    if field not in ("reason", "seen_role"):
        looked = destination.get(PAGE, typed)
        assert looked.status_code == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("number", ["0", "-1", "x", "\x00", "9" * 400, "9" * 5000, "1.5", " "])
def test_a_person_who_is_not_there_is_not_found(
    number: str, ada: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    assert destination.get(PAGE, {"person": number}).status_code == HTTPStatus.NOT_FOUND
    posted = destination.post(POST_TO, form(contoso) | {"person": number})
    assert posted.status_code == HTTPStatus.NOT_FOUND


def test_nothing_of_another_tenant_is_found_or_touched(
    ada: Person, contoso: Tenant, fabrikam: Tenant, person: MakePerson, destination: Client
) -> None:
    # With a space, which no random token on the page has.
    fay = person(fabrikam, "Fay Fabrikam", local=READER)
    sign_in(destination, ada)
    for tid in (fabrikam.tid, "44444444-4444-4444-8444-444444444444", "nonsense", "\x00"):
        assert destination.get(PAGE, {"tid": str(tid)}).status_code == HTTPStatus.NOT_FOUND
        posted = destination.post(POST_TO, form(contoso, fay, tid=str(tid)))
        assert posted.status_code == HTTPStatus.NOT_FOUND
    assert destination.get(PAGE, {"person": fay.pk}).status_code == HTTPStatus.NOT_FOUND
    posted = destination.post(POST_TO, form(contoso, fay, role="none", seen_role=READER))
    assert posted.status_code == HTTPStatus.NOT_FOUND
    assert "Fay Fabrikam" not in text(destination.get(PAGE))
    assert held(fabrikam) == {"Fay Fabrikam": READER}


def test_names_reasons_and_ids_are_shown_as_text(
    ada: Person, contoso: Tenant, person: MakePerson, destination: Client
) -> None:
    eve = person(contoso, HOSTILE)
    sign_in(destination, ada)
    destination.post(POST_TO, form(contoso, eve, reason=HOSTILE))
    for query in ({}, {"person": eve.pk, "role": FULL}, {"object_id": HOSTILE, "name": HOSTILE}):
        page = destination.get(PAGE, {"role": "", **query} if "name" in query else query)
        source = page.content.decode()
        assert "<b>x</b>" not in source
        assert "&lt;b&gt;x&lt;/b&gt;{{ 7|add:7 }}" in source


def test_old_roles_are_asked_for_again_and_what_was_typed_is_still_there(
    ada: Person, otto: Person, contoso: Tenant, destination: Client
) -> None:
    mine = RoleSnapshot.objects.filter(person=ada)
    mine.update(taken_at=timezone.now() - timedelta(hours=1))
    sign_in(destination, ada)
    made_for = unsent_owner(destination, f"{PAGE}?person={otto.pk}&role={FULL}")
    typed = form(contoso, otto, role=FULL, reason="With care", unsent_owner=made_for)
    response = destination.post(POST_TO, typed)
    assert response.status_code == HTTPStatus.FOUND
    address = urlsplit(response["Location"])
    assert address.path == "/auth/check-roles"
    assert held(contoso) == {}
    mine.update(taken_at=timezone.now())
    (back,) = parse_qs(address.query)["next"]
    assert unquote(back).startswith(f"{PAGE}?tid={contoso.tid}")
    page = text(destination.get(back))
    assert "You signed in again." in page
    assert "With care" in page
    assert f'name="role" value="{FULL}"' in page
    # Only once, and only for the same choice.
    assert "With care" not in text(destination.get(back))


def test_whose_session_ended_signs_in_and_what_was_typed_is_still_there(
    ada: Person, otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    made_for = unsent_owner(destination, f"{PAGE}?person={otto.pk}&role={FULL}")
    destination.logout()
    typed = form(contoso, otto, role=FULL, reason="With care", unsent_owner=made_for)
    address = urlsplit(destination.post(POST_TO, typed)["Location"])
    assert address.path == "/auth/sign-in"
    (back,) = parse_qs(address.query)["next"]
    sign_in(destination, ada)
    page = text(destination.get(back))
    assert "With care" in page
    assert "Change the local role of Otto?" in page
    assert held(contoso) == {}


def test_reloading_the_answer_to_the_form_leads_to_the_page(
    ada: Person, destination: Client
) -> None:
    sign_in(destination, ada)
    assert destination.get(POST_TO)["Location"] == PAGE


def test_what_was_typed_for_one_person_is_not_shown_for_another(
    ada: Person, otto: Person, rita: Person, contoso: Tenant, destination: Client
) -> None:
    RoleSnapshot.objects.filter(person=ada).update(taken_at=timezone.now() - timedelta(hours=1))
    sign_in(destination, ada)
    destination.post(POST_TO, form(contoso, otto, reason="About Otto"))
    page = text(destination.get(PAGE, {"person": rita.pk, "role": READER}))
    assert "About Otto" not in page


def test_the_form_takes_a_post_with_its_own_token_only(
    ada: Person, otto: Person, contoso: Tenant
) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"host": "security.localhost"})
    sign_in(browser, ada)
    assert browser.post(POST_TO, form(contoso, otto)).status_code == HTTPStatus.FORBIDDEN
    assert held(contoso) == {}


def test_no_answer_of_the_page_is_kept_by_a_cache(ada: Person, destination: Client) -> None:
    sign_in(destination, ada)
    assert "no-store" in destination.get(PAGE)["Cache-Control"]


def test_many_people_are_read_in_a_bounded_number_of_queries(
    ada: Person,
    contoso: Tenant,
    person: MakePerson,
    destination: Client,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(60):
        somebody = person(contoso, f"Somebody {number}", roles=[SECURITY_READER])
        words = {"reason": "x", "channel": "page", "author": ada}
        LocalRole.objects.give_local_role(contoso, somebody, READER, **words)
    sign_in(destination, ada)
    with django_assert_max_num_queries(17):
        page = text(destination.get(PAGE))
    assert page.count("<time") == 60 + 50


# --- More than one organisation ---


@pytest.fixture
def provider(contoso: Tenant, fabrikam: Tenant, person: MakePerson) -> Person:
    """Pia of contoso is a local global admin of fabrikam, where she has no directory role."""
    pia = person(contoso, "Pia", roles=[GLOBAL_READER])
    LocalRole.objects.create(person=pia, tenant=fabrikam, role=FULL)
    person(fabrikam, "Fay")
    return pia


@pytest.mark.parametrize("address", [SETTINGS, PAGE, "/redirection/feedback?about=/alerts"])
def test_every_page_says_which_organisation_it_shows_and_links_the_others(
    address: str, provider: Person, contoso: Tenant, fabrikam: Tenant, destination: Client
) -> None:
    sign_in(destination, provider)
    page = text(destination.get(address))
    assert '<strong aria-current="true">Contoso</strong>' in page
    link = page.split(">Show Fabrikam<")[0].rpartition('href="')[2].partition('"')[0]
    other = text(destination.get(link))
    assert '<strong aria-current="true">Fabrikam</strong>' in other
    assert "Show Contoso" in other
    for name in ("tabid", "about"):
        assert parse_qs(urlsplit(link).query).get(name) == parse_qs(urlsplit(address).query).get(
            name
        )


def test_without_other_organisations_there_is_nothing_to_choose(
    ada: Person, fabrikam: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    page = text(destination.get(PAGE))
    assert "<strong>Contoso</strong>" in page
    assert "Fabrikam" not in page


def test_a_guest_acts_where_the_role_is_and_looks_at_home(
    provider: Person, contoso: Tenant, fabrikam: Tenant, destination: Client
) -> None:
    sign_in(destination, provider)
    fay = Person.objects.get(display_name="Fay")
    posted = destination.post(POST_TO, form(fabrikam, fay))
    assert posted.status_code == HTTPStatus.FOUND
    assert held(fabrikam) == {"Pia": FULL, "Fay": READER}
    assert destination.post(POST_TO, form(contoso, provider)).status_code == HTTPStatus.FORBIDDEN


def test_without_a_choice_the_tenant_signed_in_to_last_is_shown(
    provider: Person, contoso: Tenant, fabrikam: Tenant, destination: Client
) -> None:
    # What others did in a tenant says nothing about this person.
    later = timezone.now() + timedelta(minutes=1)
    RoleSnapshot.objects.exclude(person=provider).update(taken_at=later)
    sign_in(destination, provider)
    assert ">Contoso</strong>" in text(destination.get(PAGE))
    RoleSnapshot.objects.create(person=provider, tenant=fabrikam, taken_at=later)
    assert ">Fabrikam</strong>" in text(destination.get(PAGE))


def test_somebody_with_a_waiting_role_only_is_shown_its_tenant(
    fabrikam: Tenant, destination: Client
) -> None:
    invited = Person.objects.create_user(f"{UUID(int=1)}:{uuid5(UUID(int=1), 'x')}")
    LocalRole.objects.create(person=invited, tenant=fabrikam, role=FULL)
    sign_in(destination, invited)
    assert ">Fabrikam</strong>" in text(destination.get(PAGE))


def test_a_history_that_is_cut_says_so(
    ada: Person, otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    said = "The newest 50 changes are shown."
    for number in range(51):
        if number == 50:
            assert said not in text(destination.get(PAGE))
        LocalRole.objects.give_local_role(
            contoso, otto, None if number % 2 else READER,
            reason="The test asks for it", channel="command", operator="a test",
        )  # fmt: skip
    assert said in text(destination.get(PAGE))
