"""How much feedback is taken in an hour, and that whoever is refused loses no word."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.models import Person
from redirection.feedback.giving import give
from redirection.feedback.limits import TooMuchFeedback, check_limits
from redirection.models import Feedback, StepBackGrant, Tenant, Trouble
from tests.conftest import MakePerson, Switch
from tests.test_settings_page import sign_in, text

FORM = "/redirection/feedback"
Settings = Any


@pytest.fixture(autouse=True)
def few(settings: Settings) -> None:
    settings.REDIRECTION_FEEDBACK_PER_PERSON = 3
    settings.REDIRECTION_FEEDBACK_PER_TENANT = 5


def send(browser: Client, words: str, picture: SimpleUploadedFile | None = None) -> Any:
    said: dict[str, Any] = {"kind": "missing", "text": words, "page": "/audits"}
    if picture is not None:
        said["screenshot"] = picture
    return browser.post(FORM, {**said, "may_contact": "on"})


def test_a_person_who_sends_too_much_waits_and_loses_nothing(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        for number in range(3):
            assert send(destination, f"Report {number}").status_code == HTTPStatus.FOUND
            clock.shift(600)
        refused = send(destination, "The fourth")
        assert refused.status_code == HTTPStatus.TOO_MANY_REQUESTS
        assert refused["Retry-After"] == "1800"
        assert "send it again in 30 minutes" in text(refused)
        page = refused.content.decode()
        assert "The fourth</textarea>" in page
        assert page.count(" checked") == 3  # kind, no rating, and being contacted
        assert Feedback.objects.count() == 3
        clock.shift(1800)
        assert send(destination, "The fourth").status_code == HTTPStatus.FOUND
        assert send(destination, "The fifth").status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_people_of_one_tenant_share_a_limit_and_others_do_not(
    contoso: Tenant, fabrikam: Tenant, person: MakePerson, destination: Client
) -> None:
    for number in range(5):
        sign_in(destination, person(contoso, f"Paul {number}"))
        assert send(destination, "Where is it?").status_code == HTTPStatus.FOUND
    sign_in(destination, person(contoso, "Paula"))
    assert send(destination, "Where is it?").status_code == HTTPStatus.TOO_MANY_REQUESTS
    sign_in(destination, person(fabrikam, "Fay"))
    assert send(destination, "Where is it?").status_code == HTTPStatus.FOUND


def test_whoever_sends_without_end_costs_two_looks_and_changes_nothing(
    otto: Person,
    contoso: Tenant,
    destination: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sign_in(destination, otto)
    for number in range(3):
        send(destination, f"Report {number}")
    # Neither takes a lock, opens a transaction, nor reads a picture.
    monkeypatch.setattr("redirection.views.feedback.give", None)
    monkeypatch.setattr("redirection.feedback.forms.picture_of", None)
    for picture in (None, SimpleUploadedFile("a.png", b"x" * 100)) * 10:
        assert send(destination, "Again", picture).status_code == HTTPStatus.TOO_MANY_REQUESTS
    with django_assert_num_queries(1), pytest.raises(TooMuchFeedback):
        check_limits(contoso, otto, timezone.now())
    assert (Feedback.objects.count(), Trouble.objects.get().reports) == (3, 3)


def test_what_is_an_hour_old_counts_no_more(otto: Person, contoso: Tenant) -> None:
    now = timezone.now()
    trouble = Trouble.objects.create(route="/audits", kind="missing")
    said = {"tenant": contoso, "person": otto, "trouble": trouble, "kind": "missing"}
    for minutes in (61, 60, 59, 58):
        Feedback.objects.create(**said, created_at=now - timedelta(minutes=minutes))
    check_limits(contoso, otto, now)
    Feedback.objects.create(**said, created_at=now)
    with pytest.raises(TooMuchFeedback) as refused:
        check_limits(contoso, otto, now)
    assert refused.value.retry_after == 60


def test_a_step_back_beyond_the_limit_says_so_before_anything_opens(
    otto: Person, contoso: Tenant, destination: Client, switch: Switch
) -> None:
    Tenant.objects.update(allow_step_back=True, step_back_since=timezone.now())
    switch(contoso, "on")
    sign_in(destination, otto)
    for number in range(3):
        send(destination, f"Report {number}")
    asked = {"reason": "missing", "text": "The export", "send_feedback": "on", "page": "/audits"}
    refused = destination.post("/redirection/step-back", asked)
    assert refused.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert refused["Retry-After"]
    assert "The export</textarea>" in refused.content.decode()
    assert not StepBackGrant.objects.exists()
    del asked["send_feedback"]
    assert destination.post("/redirection/step-back", asked).status_code == HTTPStatus.FOUND


def test_only_so_many_pictures_of_one_person_are_read_in_an_hour(
    otto: Person, contoso: Tenant, destination: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redirection.feedback.limits.MOST_PICTURES", 2)
    sign_in(destination, otto)
    broken = SimpleUploadedFile("page.png", b"no picture")
    for _ in range(2):
        broken.seek(0)
        assert send(destination, "Where is it?", broken).status_code == HTTPStatus.BAD_REQUEST
    broken.seek(0)
    refused = send(destination, "Where is it?", broken)
    assert refused.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert 0 < int(refused["Retry-After"]) <= 3600
    assert "Where is it?</textarea>" in refused.content.decode()
    assert send(destination, "Where is it?").status_code == HTTPStatus.FOUND


def test_whatever_disabled_a_tenant_meanwhile_wins(otto: Person, contoso: Tenant) -> None:
    Tenant.objects.filter(pk=contoso.pk).update(enabled=False)
    with pytest.raises(Tenant.DoesNotExist):
        give(contoso, otto, kind="missing", text="", page="/audits", portal="legacy", source="")
    assert not Feedback.objects.exists()
