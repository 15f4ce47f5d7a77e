"""Whoever watches the processes learns whether one answers, and whether it knows enough."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from redirection import switches
from redirection.models import Tenant
from tests.conftest import Switch

HOSTS = ("security.localhost", "contoso.portal.localhost")


@pytest.mark.parametrize("host", HOSTS)
def test_a_process_that_answers_is_alive_whatever_it_knows(host: str) -> None:
    answer = Client(headers={"host": host}).get("/redirection/health")

    assert (answer.status_code, answer.content) == (HTTPStatus.OK, b"ok\n")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("host", HOSTS)
def test_it_is_ready_with_all_settings_and_says_their_revision(
    host: str, contoso: Tenant, switch: Switch, django_assert_num_queries: Any
) -> None:
    switch(contoso, "on")
    with django_assert_num_queries(0):
        answer = Client(headers={"host": host}).get("/redirection/ready")

    assert answer.status_code == HTTPStatus.OK
    assert "no-store" in answer["Cache-Control"]
    assert answer.json() == {
        "ready": True,
        "loaded": True,
        "stale": False,
        "revision": switches.held().revision,
    }


def test_it_is_not_ready_before_it_has_read_the_settings(destination: Client) -> None:
    answer = destination.get("/redirection/ready")

    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.json() == {"ready": False, "loaded": False, "stale": False, "revision": 0}


def test_nor_while_the_store_does_not_answer(
    destination: Client, contoso: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switches, "_held", replace(switches.held(), stale=True))

    answer = destination.get("/redirection/ready")

    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert (answer.json()["loaded"], answer.json()["stale"]) == (True, True)


def test_a_monitor_asks_over_plain_http_where_people_may_not(
    contoso: Tenant, settings: Any
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    monitor = Client(headers={"host": "security.localhost"})

    assert monitor.get("/redirection/health").status_code == HTTPStatus.OK
    assert monitor.get("/redirection/ready").status_code == HTTPStatus.OK
    assert monitor.get("/cloudapps/settings").status_code == HTTPStatus.MOVED_PERMANENTLY
