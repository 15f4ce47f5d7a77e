"""The line a refusal leaves in the log, and what makes two of them the same."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError
from django.test import RequestFactory
from django.utils import timezone

from portal.models import Person
from redirection import refusals
from redirection.models import Refusal, Tenant
from redirection.refusals import What, address_of, record, write_refusals


@pytest.fixture(autouse=True)
def nothing_noted() -> Any:
    refusals.forget()
    yield
    refusals.forget()


def request(person: object = None, path: str = "/p", method: str = "post", **meta: Any) -> Any:
    made = RequestFactory().generic(method.upper(), path, **{"REMOTE_ADDR": "192.0.2.1", **meta})
    if person is not None:
        made.user = person  # type: ignore[attr-defined]
    return made


def line(caplog: pytest.LogCaptureFixture) -> str:
    return re.sub("=[0-9a-f]{8} ", "=# ", caplog.messages[-1])


def test_the_line_names_everything(
    contoso: Tenant, otto: Person, caplog: pytest.LogCaptureFixture
) -> None:
    record(request(otto), What.ROLE, tenant=contoso, asked="x", because="a\nline")
    assert line(caplog) == (
        f"Refused: reference=# POST /p for contoso by {otto.username} from 192.0.2.1: role (a line)"
    )


def test_the_line_says_so_where_nothing_is_known(caplog: pytest.LogCaptureFixture) -> None:
    record(request(AnonymousUser(), method="get"), What.DENIED)
    assert line(caplog) == "Refused: reference=# GET /p for nobody by nobody from 192.0.2.1: denied"
    record(request(), What.DENIED, asked="0815")
    assert line(caplog).startswith("Refused: reference=# POST /p for 0815 by nobody")


def test_a_request_is_noted_once_under_one_reference() -> None:
    refused = request()
    assert record(refused, What.ROLE) == record(refused, What.DENIED)
    assert [held[2] for held in refusals._held.values()] == [1]


def test_nothing_is_longer_than_its_column(caplog: pytest.LogCaptureFixture) -> None:
    record(request(path="/" + "p" * 300, method="M" * 20), What.DENIED, because="b" * 300)
    noted = next(iter(refusals._held))
    assert (len(noted.path), len(noted.method), noted.who, noted.tenant_asked) == (200, 10, "", "")
    assert caplog.messages[-1].endswith(f"({'b' * 200})")


def test_another_person_or_tenant_is_another_row(
    contoso: Tenant, fabrikam: Tenant, ada: Person, otto: Person
) -> None:
    for person, tenant in ((ada, contoso), (otto, contoso), (otto, fabrikam), (otto, None)):
        record(request(person), What.ROLE, tenant=tenant)
        write_refusals()
    kept = Refusal.objects.order_by("pk").values_list("person", "tenant", "times")
    assert list(kept) == [
        (ada.pk, contoso.pk, 1),
        (otto.pk, contoso.pk, 1),
        (otto.pk, fabrikam.pk, 1),
        (otto.pk, None, 1),
    ]


def test_the_moment_is_that_of_the_attempt(contoso: Tenant) -> None:
    began = timezone.now()
    with time_machine.travel(began, tick=False) as clock:
        record(request(), What.DENIED)
        clock.shift(timedelta(seconds=40))
        write_refusals()
    assert Refusal.objects.get().at == began


def test_what_could_not_be_written_is_added_to_what_came_since(
    contoso: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(request(), What.DENIED)

    def fails(*_: Any) -> int:
        record(request(), What.DENIED)
        raise OperationalError

    with monkeypatch.context() as broken:
        broken.setattr(refusals, "_write", fails)
        with pytest.raises(OperationalError):
            write_refusals()
    write_refusals()
    assert Refusal.objects.get().times == 2


def test_nothing_is_said_of_too_many_where_all_had_a_place(
    contoso: Tenant, otto: Person, caplog: pytest.LogCaptureFixture
) -> None:
    record(request(otto), What.DENIED)
    otto.delete()
    record(request(), What.DENIED)
    write_refusals()
    write_refusals()
    assert [text for text in caplog.messages if "too many" in text] == []
    assert Refusal.objects.count() == 1


def test_a_server_that_names_no_address_has_none(settings: Any) -> None:
    plain = request()
    del plain.META["REMOTE_ADDR"]
    assert address_of(plain) is None
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert address_of(request()) == "192.0.2.1"
    assert address_of(plain) is None
