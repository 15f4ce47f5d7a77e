"""An admin allows opening the old page for one task, or forbids it, and sees who does so."""

from __future__ import annotations

import re
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from portal.models import Person
from redirection import switches
from redirection.models import Change, StepBack, StepBackGrant, Tenant
from redirection.permissions import RolesTooOld
from tests.conftest import Switch
from tests.test_settings_page import PAGE, sign_in, text

CONFIRM = "/cloudapps/settings/step-back"
POST_TO = "/cloudapps/settings/switch-step-back"


def form(tenant: Tenant, **changed: Any) -> dict[str, Any]:
    return {
        "wanted": "on",
        "minutes": "60",
        "reason_kind": "missing",
        "reason": "Exports are missing",
        "seen_revision": tenant.revision,
        "tid": tenant.tid,
        **changed,
    }


def state(tenant: Tenant) -> tuple[bool, int]:
    tenant.refresh_from_db()
    return tenant.allow_step_back, tenant.step_back_minutes


def test_it_is_off_until_somebody_allows_it(
    contoso: Tenant, ada: Person, destination: Client
) -> None:
    assert state(contoso) == (False, 60)
    assert contoso.as_held().step_back_since is None
    sign_in(destination, ada)
    page = text(destination.get(PAGE))
    assert "Not allowed: whoever was redirected cannot open" in page
    assert "Allow it for one task" in page


def test_ada_allows_it_and_the_history_says_so(
    contoso: Tenant, ada: Person, destination: Client
) -> None:
    sign_in(destination, ada)
    page = text(destination.get(f"{CONFIRM}?wanted=on&tid={contoso.tid}"))
    assert "Let people open the old page for one task?" in page
    assert re.findall(r'<option value="(\d+)"', page) == ["15", "30", "60", "120", "240", "480"]
    response = destination.post(POST_TO, form(contoso, minutes="240"), follow=True)
    assert state(contoso) == (True, 240)
    page = text(response)
    assert "People may now open the old page for one task." in page
    assert "can open Microsoft Defender for Cloud Apps for 4 hours" in page
    assert "Allowed, 240 minutes" in page
    change = Change.objects.latest()
    assert (change.what, change.before, change.after) == ("step_back", "off", "240")
    assert (change.reason_kind, change.reason) == ("missing", "Exports are missing")
    assert (change.author, change.channel) == (ada, "page")
    # Workers learn of it, and nothing else moves.
    assert change.revision == contoso.revision
    switches.refresh()
    held = switches.held().by_tid[str(contoso.tid)]
    assert held == contoso.as_held()
    assert held.step_back_since is not None


def test_redirection_itself_is_not_touched(contoso: Tenant, ada: Person, switch: Switch) -> None:
    switch(contoso, "on")
    before = (contoso.setting, contoso.since)
    allow(contoso, ada)
    contoso.refresh_from_db()
    assert (contoso.setting, contoso.since) == before


def allow(
    tenant: Tenant, person: Any, wanted: str = "on", minutes: int | None = None, **more: Any
) -> Change | None:
    return tenant.switch_step_back(
        wanted,
        minutes,
        reason_kind="missing",
        reason="Exports",
        channel="page",
        author=person,
        **more,
    )


def test_other_minutes_are_a_change_and_the_same_are_none(contoso: Tenant, ada: Person) -> None:
    assert allow(contoso, ada)
    since = contoso.step_back_since
    assert allow(contoso, ada, "on", 30)
    assert contoso.step_back_since == since
    assert allow(contoso, ada, "on", 30) is None
    assert allow(contoso, ada, "on") is None
    assert allow(contoso, ada, "off", 60)
    assert allow(contoso, ada, "off") is None
    assert state(contoso) == (False, 30)
    values = contoso.changes.filter(what="step_back").values_list("before", "after")
    assert list(values) == [("30", "off"), ("60", "30"), ("off", "60")]


@pytest.mark.parametrize("minutes", [14, 481, -1])
def test_the_minutes_have_limits(minutes: int, contoso: Tenant, ada: Person) -> None:
    with pytest.raises(ValidationError, match="Choose 15 to 480 minutes"):
        allow(contoso, ada, "on", minutes)


@pytest.mark.parametrize(
    "wrong",
    [
        {"wanted": "maybe"},
        {"minutes": "5"},
        {"minutes": "9999"},
        {"minutes": "an hour"},
        {"reason_kind": ""},
        {"reason": " "},
        {"seen_revision": "x"},
    ],
)
def test_a_wrong_value_is_an_error_and_what_was_typed_stays(
    wrong: dict[str, str], contoso: Tenant, ada: Person, destination: Client
) -> None:
    sign_in(destination, ada)
    response = destination.post(POST_TO, form(contoso, **wrong))
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert 'role="alert"' in text(response)
    if "reason" not in wrong:
        assert "Exports are missing" in text(response)
    assert state(contoso) == (False, 60)


def test_only_whoever_may_switch_allows_it(
    contoso: Tenant, rita: Person, otto: Person, destination: Client
) -> None:
    for person in (rita, otto):
        sign_in(destination, person)
        assert destination.get(CONFIRM).status_code == HTTPStatus.FORBIDDEN
        response = destination.post(POST_TO, form(contoso))
        assert response.status_code == HTTPStatus.FORBIDDEN
        with pytest.raises(PermissionDenied):
            allow(contoso, person)
    assert state(contoso) == (False, 60)
    sign_in(destination, rita)
    page = text(destination.get(PAGE))
    assert "Not allowed: whoever was redirected" in page
    assert "Allow it for one task" not in page


def test_old_roles_are_asked_for_again_and_nothing_typed_is_lost(
    contoso: Tenant, ada: Person, destination: Client
) -> None:
    sign_in(destination, ada)
    shown = destination.get(CONFIRM).content.decode()
    owner = re.search(r'name="unsent_owner" value="([^"]+)"', shown)
    assert owner
    ada.role_snapshots.update(taken_at=timezone.now() - timedelta(hours=1))
    with pytest.raises(RolesTooOld):
        allow(contoso, ada)
    response = destination.post(POST_TO, form(contoso, minutes="30", unsent_owner=owner[1]))
    assert response["Location"].startswith("/auth/check-roles?next=%2Fcloudapps%2Fsettings")
    page = text(destination.get(f"{CONFIRM}?wanted=on&tid={contoso.tid}"))
    assert "Exports are missing" in page
    assert '<option value="30" selected>' in page


def test_whoever_was_slower_sees_what_the_other_did(
    contoso: Tenant, ada: Person, destination: Client, switch: Switch
) -> None:
    sign_in(destination, ada)
    outdated = form(contoso)
    switch(contoso, "on")
    response = destination.post(POST_TO, outdated)
    assert response.status_code == HTTPStatus.CONFLICT
    page = text(response)
    assert "Changed meanwhile" in page
    assert "The test asks for it" in page
    assert "Exports are missing" in page
    assert state(contoso) == (False, 60)
    assert destination.post(POST_TO, form(contoso)).status_code == HTTPStatus.FOUND
    # Sent twice, it changes nothing and is no error.
    again = destination.post(POST_TO, outdated, follow=True)
    assert "It already was like that. Nothing changed." in text(again)


def test_another_tenants_setting_is_not_there(
    contoso: Tenant, fabrikam: Tenant, ada: Person, destination: Client
) -> None:
    sign_in(destination, ada)
    assert destination.get(f"{CONFIRM}?tid={fabrikam.tid}").status_code == HTTPStatus.NOT_FOUND
    response = destination.post(POST_TO, form(fabrikam))
    assert response.status_code == HTTPStatus.NOT_FOUND


def test_the_card_shows_how_many_do_so_why_and_where(
    contoso: Tenant, fabrikam: Tenant, ada: Person, destination: Client
) -> None:
    allow(contoso, ada)
    now = timezone.now()
    for tenant, reason, page, times in (
        (contoso, "missing", "/#/alerts/5f2a1b3c4d5e6f7a8b9c0d1e", 3),
        (contoso, "training", "/#/files", 1),
        (fabrikam, "deadline", "/#/audits", 7),
    ):
        for _ in range(times):
            grant = StepBack.objects.begin(tenant, reason, page, now)
            assert StepBackGrant.objects.use(grant.step_back)
    sign_in(destination, ada)
    page = text(destination.get(PAGE))
    card = page[page.index('id="step-back"') : page.index('id="history"')]
    assert "4 people do so now." in card
    assert re.findall(r'<th scope="row">(.*?)</th><td class="number">(\d+)</td>', card) == [
        ("Something is missing", "3"),
        ("I have to learn it first", "1"),
        ('<code dir="ltr">/alerts/*</code>', "3"),
        ('<code dir="ltr">/files</code>', "1"),
    ]
    allow(contoso, ada, "off")
    card = text(destination.get(PAGE))
    assert "Nobody does so now." in card
    assert "I have to learn it first" in card


def test_what_ran_long_ago_is_not_shown(contoso: Tenant) -> None:
    now = timezone.now()
    long_ago = now - timedelta(days=30)
    StepBack.objects.begin(contoso, "other", "/", long_ago)
    StepBack.objects.begin(contoso, "other", "/", long_ago + timedelta(days=1))
    assert StepBack.objects.of(contoso, now, 30).total == 1


def test_the_history_finds_and_exports_it(
    contoso: Tenant, ada: Person, destination: Client
) -> None:
    allow(contoso, ada, "on", 30)
    sign_in(destination, ada)
    history = "/cloudapps/settings/redirection-history"
    page = text(destination.get(f"{history}?what=step_back"))
    assert "Allowed, 30 minutes" in page
    exported = destination.get(f"{history}/export?format=jsonl&what=step_back")
    lines = b"".join(exported).decode()  # type: ignore[call-overload]
    assert '"what": "step_back", "from": "off", "to": "30"' in lines


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["contoso", "maybe"], "Choose on or off."),
        (["contoso", "on", "--minutes", "5"], "Choose 15 to 480 minutes."),
        (["contoso", "on", "--reason", ""], "Say why, in a few words."),
        (["contoso", "on", "--kind", "whim"], "Choose a kind of reason"),
        (["nobody", "on"], "No tenant is named 'nobody'."),
    ],
)
def test_the_command_says_in_one_line_what_is_wrong(
    words: list[str], said: str, contoso: Tenant
) -> None:
    with pytest.raises(CommandError, match=re.escape(said)) as error:
        call_command("allow_step_back", "--kind", "missing", "--reason", "x", *words)
    assert error.value.returncode == 2
    assert state(contoso) == (False, 60)


def test_the_command_twice_is_once_and_it_forbids_too(
    contoso: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    for wanted in ("on", "on", "off", "off"):
        call_command("allow_step_back", "contoso", wanted, "--kind", "trial", "--reason", "x")
    newest = Change.objects.latest().revision
    assert capsys.readouterr().out.splitlines() == [
        f"Stepping back in contoso is on, 60 minutes, at revision {newest - 1}.",
        "Stepping back in contoso already was on, 60 minutes.",
        f"Stepping back in contoso is off at revision {newest}.",
        "Stepping back in contoso already was off.",
    ]
