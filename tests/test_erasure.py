"""Erasing somebody, or a tenant: nothing personal is left, counts are right, all or nothing."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import models
from django.test import Client
from django.utils import timezone

from portal.models import Person
from redirection import erasure, retention
from redirection.models import (
    Answer,
    Change,
    DigestSubscription,
    Feedback,
    LocalRole,
    LocalRoleChange,
    OutgoingMessage,
    Refusal,
    RoleSnapshot,
    Screenshot,
    Tenant,
    Trouble,
)
from redirection.models.append_only import HistoryIsAppendOnly
from tests.conftest import MakePerson, Switch
from tests.outbox import answered, given, hook

CANARY = "Wilhelmina"


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def everything_stored() -> str:
    """All values of all rows of the site, but for what migrations and permissions are."""
    rows = [
        str(list(model._base_manager.values()))
        for model in apps.get_models()
        if model._meta.app_label not in ("contenttypes", "migrations")
    ]
    sessions = [str(session.get_decoded()) for session in Session.objects.all()]
    return "\n".join(rows + sessions)


@pytest.fixture
def wilhelmina(contoso: Tenant, otto: Person, person: MakePerson, destination: Client) -> Person:
    """Somebody who left traces everywhere."""
    from redirection.roles import GLOBAL_ADMINISTRATOR

    one = person(contoso, CANARY, roles=[GLOBAL_ADMINISTRATOR])
    one.email = "wilhelmina@contoso.example"
    one.save()
    hook(contoso)
    report = given(contoso, one, text=f"{CANARY} cannot work")
    Screenshot.objects.create(feedback=report, png=CANARY.encode(), width=1, height=1)
    given(contoso, otto)
    given(contoso, one, page="/only-hers")
    contoso.switch_redirection(
        "on", reason_kind="trial", reason="Ready", channel="page", author=one
    )
    how = {"reason": "Team lead", "channel": "command", "operator": "a test"}
    LocalRole.objects.give_local_role(contoso, one, "security_reader", **how)
    DigestSubscription.objects.create(person=one, tenant=contoso, every="day")
    Refusal.objects.create(person=one, who=one.username, what="role", method="GET", path="/")
    destination.force_login(one)
    return one


def test_nothing_of_a_person_is_left(wilhelmina: Person, contoso: Tenant, otto: Person) -> None:
    object_id = wilhelmina.object_id
    said = run("erase_person", object_id, "--reason", "Asked for it")
    left = everything_stored()
    for trace in (CANARY, "wilhelmina", object_id):
        assert trace not in left
    assert "The person is erased." in said
    assert "feedback: 2" in said
    assert not Session.objects.exists()
    assert otto.username in left


def test_the_history_stays_under_a_pseudonym(wilhelmina: Person, contoso: Tenant) -> None:
    before = Change.objects.count(), LocalRoleChange.objects.count()
    run("erase_person", wilhelmina.username, "--reason", "Asked for it")
    assert (Change.objects.count(), LocalRoleChange.objects.count()) == before
    change = contoso.changes.latest()
    assert (change.what, change.after, change.reason) == ("setting", "on", "Ready")
    assert change.author_name.startswith("erased-")
    wilhelmina.refresh_from_db()
    assert change.author == wilhelmina
    assert wilhelmina.username == change.author_name
    assert not wilhelmina.is_active
    assert not wilhelmina.has_usable_password()


def test_somebody_without_history_is_gone_altogether(contoso: Tenant, otto: Person) -> None:
    given(contoso, otto)
    run("erase_person", otto.username, "--reason", "Asked for it")
    assert not Person.objects.filter(pk=otto.pk).exists()
    assert not Trouble.objects.exists()


def test_counts_are_right_afterwards(wilhelmina: Person) -> None:
    run("erase_person", wilhelmina.username, "--reason", "Asked for it")
    assert [trouble.reports for trouble in Trouble.objects.all()] == [1]


def test_an_operators_answers_stay_without_the_name(contoso: Tenant, otto: Person) -> None:
    answered(given(contoso, otto).trouble)
    run("erase_person", "olga", "--reason", "Left the company")
    answer = Answer.objects.get()
    assert answer.author is None
    assert answer.author_name.startswith("erased-")


def test_a_dry_run_says_the_same_and_does_nothing(wilhelmina: Person) -> None:
    before = everything_stored()
    planned = run("erase_person", wilhelmina.username, "--reason", "Asked", "--dry-run")
    assert everything_stored() == before
    done = run("erase_person", wilhelmina.username, "--reason", "Asked")
    assert planned.splitlines()[:-1] == done.splitlines()[:-1]
    assert planned.splitlines()[-1] == "Nothing was erased."


def test_what_fails_half_way_leaves_nothing_half_erased(
    wilhelmina: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    before = everything_stored()
    monkeypatch.setattr(erasure, "_become", fail)
    with pytest.raises(KeyboardInterrupt):
        run("erase_person", wilhelmina.username, "--reason", "Asked")
    assert everything_stored() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["erase_person", "nobody", "--reason", "x"], "Nobody is known as 'nobody'."),
        (["erase_person", " ", "--reason", "x"], "Nobody is known as ' '."),
        (["erase_person", "nobody"], "Say why, in a few words."),
        (["erase_tenant", "nowhere", "--reason", "x"], "No tenant is named 'nowhere'."),
        (["erase_tenant", "contoso"], "Say why, in a few words."),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(
    words: list[str], said: str, contoso: Tenant
) -> None:
    before = everything_stored()
    with pytest.raises(CommandError) as refused:
        run(*words)
    assert (str(refused.value), refused.value.returncode) == (said, 2)
    assert everything_stored() == before


def test_an_id_in_two_directories_must_be_named_in_full(contoso: Tenant, fabrikam: Tenant) -> None:
    for tenant in (contoso, fabrikam):
        Person.objects.create_user(f"{tenant.tid}:same")
    with pytest.raises(CommandError, match="give the user name"):
        run("erase_person", "same", "--reason", "x")


def test_nothing_of_a_tenant_is_left_but_a_nameless_history(
    wilhelmina: Person, contoso: Tenant, fabrikam: Tenant, person: MakePerson, switch: Switch
) -> None:
    guest = person(fabrikam, "Gustav")
    RoleSnapshot.objects.create(person=guest, tenant=contoso)
    given(fabrikam, guest, text="Of fabrikam")
    given(contoso, guest, text="Of the visit")
    Refusal.objects.create(what="role", method="GET", path="/", tenant_asked=str(contoso.tid))
    said = run("erase_tenant", "contoso", "--reason", "The contract has ended")
    left = everything_stored()
    for trace in (CANARY, "contoso", "Contoso", str(contoso.tid), "Of the visit", "Otto"):
        assert trace not in left
    assert "Gustav" in left
    assert "Of fabrikam" in left
    assert "The organisation is erased." in said
    contoso.refresh_from_db()
    assert contoso.name.startswith("erased-")
    assert not contoso.enabled
    newest = contoso.changes.latest()
    assert (newest.what, newest.after) == ("tenant", "disabled")
    assert newest.reason == "The contract has ended"
    assert [trouble.reports for trouble in Trouble.objects.all()] == [1]


def test_a_dry_run_for_a_tenant_does_nothing(wilhelmina: Person, contoso: Tenant) -> None:
    before = everything_stored()
    assert run("erase_tenant", "contoso", "--reason", "x", "--dry-run").endswith(
        "Nothing was erased.\n"
    )
    assert everything_stored() == before


def test_only_names_may_be_taken_out_of_a_history(contoso: Tenant) -> None:
    for column in ("reason", "after", "author", "at"):
        with pytest.raises(HistoryIsAppendOnly):
            Change.objects.make_nameless(column, "forged")


def test_every_table_with_a_person_or_tenant_is_thought_of() -> None:
    """A new one must cascade, or be one of those that become nameless."""
    kept = {"change.author", "localrolechange.author", "localrolechange.person",
            "deeplinkrulechange.author", "answer.author", "change.tenant",
            "localrolechange.tenant"}  # fmt: skip
    found = {
        f"{relation.related_model._meta.model_name}.{relation.field.name}"
        for model in (Person, Tenant)
        for relation in model._meta.get_fields(include_hidden=True)
        if isinstance(relation, models.ManyToOneRel) and relation.on_delete is not models.CASCADE
    }
    assert found == kept


def test_feedback_goes_after_its_days_with_all_that_belongs_to_it(
    contoso: Tenant, otto: Person, settings: Any
) -> None:
    settings.REDIRECTION_FEEDBACK_DAYS = 730
    old = given(contoso, otto, text="Old")
    Screenshot.objects.create(feedback=old, png=b"x", width=1, height=1)
    given(contoso, otto, text="New")
    gone = given(contoso, otto, page="/only-old")
    answered(gone.trouble)
    Feedback.objects.filter(pk__in=[old.pk, gone.pk]).update(
        created_at=timezone.now() - timedelta(days=731)
    )
    retention.let_go()
    assert Feedback.objects.get().text == "New"
    assert not Screenshot.objects.exists()
    assert not Answer.objects.exists()
    assert Trouble.objects.get().reports == 1


def test_messages_go_after_their_days(contoso: Tenant, otto: Person, settings: Any) -> None:
    settings.REDIRECTION_MESSAGE_DAYS = 30
    hook(contoso)
    for text in ("Old", "New"):
        given(contoso, otto, text=text)
    OutgoingMessage.objects.filter(content__data__text="Old").update(
        created_at=timezone.now() - timedelta(days=31)
    )
    retention.let_go()
    assert OutgoingMessage.objects.get().content["data"]["text"] == "New"
