"""The operators' queue for tests: an operator, a trouble of two organisations, and its pages."""

from __future__ import annotations

from contextlib import closing
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from portal.models import Person
from redirection.models import Tenant, Trouble
from tests.conftest import MakePerson
from tests.reporting import report
from tests.test_link_rule_pages import operator

QUEUE = "/admin/redirection/trouble/"


@pytest.fixture
def olga(db: None) -> Client:
    """The browser of an operator who may do everything."""
    return operator("olga")


@pytest.fixture
def fay(fabrikam: Tenant, person: MakePerson) -> Person:
    """Fay reports from another organisation."""
    return person(fabrikam, "Fay")


@pytest.fixture
def trouble(contoso: Tenant, fabrikam: Tenant, otto: Person, fay: Person) -> Trouble:
    """The same trouble in two organisations."""
    report(contoso, otto, text="Otto misses it", page="/#/audits?activity.id=eq(7,)")
    report(fabrikam, fay, text="Fay misses it", may_contact=True)
    return Trouble.objects.get()


def page_of(trouble: Trouble) -> str:
    return f"{QUEUE}{trouble.pk}/change/"


def answer(**said: Any) -> dict[str, Any]:
    return {"state": "fixed", "text": "Try again", "page": "", "seen_answer": 0, **said}


def listed(response: Any) -> list[Any]:
    """The troubles on the page, in their order."""
    return list(response.context["cl"].result_list)


def exported(browser: Client, address: str, **asked: str) -> str:
    response = browser.get(f"{QUEUE}{address}", asked)
    assert response.status_code == HTTPStatus.OK
    with closing(response):
        return b"".join(response).decode()  # type: ignore[call-overload]
