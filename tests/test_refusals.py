"""Who was refused what: in the log at once, kept for operators, and no attack fills anything."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from django.utils import timezone

from portal.models import Person
from redirection import refusals, retention
from redirection.middleware import RedirectionMiddleware
from redirection.models import Refusal, RoleSnapshot, Tenant
from redirection.refusals import MOST_A_MINUTE, MOST_HELD, What, address_of, record, write_refusals
from tests.conftest import PAGE_LOAD

SETTINGS = "/cloudapps/settings?tabid=autoRedirection"
SWITCH = "/cloudapps/settings/switch-redirection"


def request(path: str = "/somewhere", address: str = "192.0.2.1", **meta: Any) -> Any:
    return RequestFactory().post(path, REMOTE_ADDR=address, **meta)


def test_a_missing_role_is_kept_with_who_where_and_what(
    contoso: Tenant, otto: Person, destination: Client
) -> None:
    destination.force_login(otto)
    answer = destination.post(SWITCH, {"tid": contoso.tid, "wanted": "on"})
    assert answer.status_code == HTTPStatus.FORBIDDEN
    write_refusals()
    kept = Refusal.objects.get()
    assert (kept.person, kept.who, kept.tenant) == (otto, otto.username, contoso)
    assert (kept.what, kept.method, kept.path) == ("role", "POST", SWITCH)
    assert (kept.address, kept.times) == ("127.0.0.1", 1)
    assert kept.reference in answer.content.decode()


def test_another_tenants_id_is_kept_as_asked_whether_there_is_one_or_not(
    fabrikam: Tenant, rita: Person, destination: Client
) -> None:
    destination.force_login(rita)
    unknown = uuid4()
    for tid in (fabrikam.tid, unknown, "x" * 200):
        assert destination.get(f"{SETTINGS}&tid={tid}").status_code == HTTPStatus.NOT_FOUND
    write_refusals()
    kept = list(Refusal.objects.order_by("pk").values_list("what", "tenant", "tenant_asked"))
    assert kept == [
        ("other_tenant", None, str(fabrikam.tid)),
        ("other_tenant", None, str(unknown)),
        ("other_tenant", None, "x" * 64),
    ]


def test_roles_that_are_too_old_are_kept(contoso: Tenant, ada: Person, destination: Client) -> None:
    RoleSnapshot.objects.update(taken_at=timezone.now() - timedelta(hours=2))
    destination.force_login(ada)
    data = {
        "tid": contoso.tid, "wanted": "on", "reason_kind": "trial", "reason": "x",
        "seen_revision": contoso.revision,
    }  # fmt: skip
    assert destination.post(SWITCH, data).status_code == HTTPStatus.FOUND
    write_refusals()
    assert Refusal.objects.get().what == "roles_too_old"


def test_a_form_that_was_not_sent_from_its_page_is_kept(contoso: Tenant, otto: Person) -> None:
    forger = Client(enforce_csrf_checks=True, headers={"host": "security.localhost", **PAGE_LOAD})
    forger.force_login(otto)
    assert forger.post(SWITCH, {"tid": contoso.tid}).status_code == HTTPStatus.FORBIDDEN
    write_refusals()
    kept = Refusal.objects.get()
    assert (kept.what, kept.person) == ("form_out_of_date", otto)


def test_somebody_of_no_tenant_is_kept(contoso: Tenant, otto: Person, destination: Client) -> None:
    RoleSnapshot.objects.all().delete()
    destination.force_login(otto)
    assert destination.get(SETTINGS).status_code == HTTPStatus.FORBIDDEN
    write_refusals()
    assert Refusal.objects.get().what == "no_tenant"


def test_whatever_else_a_view_refuses_is_kept(db: None) -> None:
    middleware = RedirectionMiddleware(lambda _: None)  # type: ignore[arg-type,return-value]
    assert middleware.process_exception(request(), PermissionDenied()) is None
    assert middleware.process_exception(request("/other"), ValueError()) is None
    write_refusals()
    assert Refusal.objects.get().what == "denied"


def test_the_same_again_within_a_minute_is_counted_in_its_row(db: None) -> None:
    for _ in range(3):
        record(request(), What.DENIED)
    write_refusals()
    record(request(), What.DENIED)
    write_refusals()
    assert Refusal.objects.get().times == 4
    record(request(address="192.0.2.2"), What.DENIED)
    write_refusals()
    assert Refusal.objects.count() == 2


def test_after_a_minute_it_has_a_row_of_its_own(db: None) -> None:
    with time_machine.travel("2026-01-31T14:00Z", tick=False) as clock:
        record(request(), What.DENIED)
        write_refusals()
        clock.shift(61)
        record(request(), What.DENIED)
        write_refusals()
    assert list(Refusal.objects.values_list("times", flat=True)) == [1, 1]


def test_one_request_is_kept_once(db: None) -> None:
    asked = request()
    assert record(asked, What.ROLE) == record(asked, What.DENIED)
    write_refusals()
    assert Refusal.objects.get().what == "role"


def test_an_attack_fills_neither_memory_nor_the_store(
    db: None, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(MOST_HELD + 100):
        record(request(f"/{number}"), What.DENIED)
    assert len(refusals._held) == MOST_HELD
    write_refusals()
    assert Refusal.objects.count() == MOST_A_MINUTE
    lost = MOST_HELD + 100 - MOST_A_MINUTE
    assert f"{lost} refusals stand in the log only" in caplog.text
    record(request("/one-more"), What.DENIED)
    write_refusals()
    assert Refusal.objects.count() == MOST_A_MINUTE


def test_a_store_that_is_down_keeps_the_answer_and_gets_the_refusal_later(
    contoso: Tenant, otto: Person, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError("down")

    with connection.execute_wrapper(fail):
        reference = record(request(), What.DENIED)
        with pytest.raises(OperationalError):
            write_refusals()
    assert f"Refused: reference={reference}" in caplog.text
    record(request(), What.DENIED)
    write_refusals()
    kept = Refusal.objects.get()
    assert (kept.times, kept.reference) == (2, reference)


def test_of_whoever_is_gone_meanwhile_nothing_is_written_and_the_rest_is(
    otto: Person, rita: Person
) -> None:
    for somebody in (otto, rita):
        asked = request()
        asked.user = somebody
        record(asked, What.DENIED)
    otto.delete()
    write_refusals()
    assert Refusal.objects.get().person == rita


@pytest.mark.parametrize(
    "path",
    ["/a\r\nForged: line", "/\u2028next", "/\x00", "/\ud800", "/" + "x" * 5000, "/\u202egnp"],
)
def test_nothing_in_a_request_makes_a_line_of_its_own(
    path: str, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    asked = request()
    asked.path = path
    record(asked, What.DENIED, asked=path, because=path)
    write_refusals()
    (line,) = (entry.getMessage() for entry in caplog.records if "Refused" in entry.getMessage())
    assert len(line.splitlines()) == 1
    assert len(line) < 800
    assert Refusal.objects.get().path.isprintable()


@pytest.mark.parametrize(
    ("behind_proxy", "forwarded", "found"),
    [
        (False, "203.0.113.9", "192.0.2.1"),
        (True, "203.0.113.9", "203.0.113.9"),
        (True, "10.0.0.1, 203.0.113.9", "203.0.113.9"),
        (True, "", "192.0.2.1"),
        (True, "nonsense", None),
    ],
)
def test_the_address_is_the_one_the_own_proxy_has_seen(
    behind_proxy: bool, forwarded: str, found: str | None, settings: Any
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if behind_proxy else None
    assert address_of(request(HTTP_X_FORWARDED_FOR=forwarded)) == found


def test_a_server_without_addresses_is_no_error() -> None:
    assert address_of(request(address="")) is None


def test_noting_asks_the_store_nothing(
    contoso: Tenant, otto: Person, django_assert_num_queries: Any
) -> None:
    asked = request()
    asked.user = otto
    with django_assert_num_queries(0):
        record(asked, What.ROLE, tenant=contoso)


def test_operators_read_them_with_filters_and_change_nothing(
    contoso: Tenant, rita: Person, destination: Client
) -> None:
    asked = request()
    asked.user = rita
    record(asked, What.ROLE, tenant=contoso)
    record(request("/elsewhere"), What.FORM)
    write_refusals()
    olga = Person.objects.create_superuser("olga", password="x")
    destination.force_login(olga, backend="django.contrib.auth.backends.ModelBackend")
    page = "/admin/redirection/refusal/"
    everything = destination.get(page).content.decode()
    assert "/somewhere" in everything
    assert "/elsewhere" in everything
    assert "/elsewhere" not in destination.get(f"{page}?what=role").content.decode()
    assert "/elsewhere" not in destination.get(f"{page}?q=contoso").content.decode()
    kept = Refusal.objects.first()
    assert kept is not None
    assert destination.post(f"{page}{kept.pk}/delete/").status_code == HTTPStatus.FORBIDDEN
    assert destination.post(f"{page}{kept.pk}/change/").status_code == HTTPStatus.FORBIDDEN
    assert destination.get(f"{page}add/").status_code == HTTPStatus.FORBIDDEN


def test_they_go_after_their_days(db: None, settings: Any) -> None:
    settings.REDIRECTION_REFUSAL_DAYS = 90
    for days in (89, 91):
        Refusal.objects.create(
            what="role", method="GET", path="/", at=timezone.now() - timedelta(days=days)
        )
    retention.let_go()
    assert Refusal.objects.count() == 1
