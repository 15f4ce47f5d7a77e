"""Every adapter makes the same of every conformance vector."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.core.handlers.wsgi import WSGIHandler
from pytest_django import Settings

from redirection import form_chains, gate, legacy_sessions, step_backs, switches
from redirection.conf import conf
from redirection.decisions import LegacySession, Reason
from redirection.door import with_door
from redirection.received_requests import of_environ
from redirection.request_classes import RequestClass, request_class
from redirection.visits import hints_of
from tests.vectors import tables
from tests.vectors.cookies import cookie_header, session_times
from tests.vectors.in_process import (
    behind_a_proxy,
    environ_of,
    gate_call,
    held_in,
    portal,
    settings_of,
    through_wsgi,
)
from tests.vectors.runner import FILE, Send, differences, expected, load, request_of
from tests.vectors.worlds import TIDS, WORLDS

NOW = 1_767_600_000_000


@pytest.fixture
def site(settings: Settings, db: None) -> WSGIHandler:
    """This project with the legacy portal behind it.

    Nothing is stored; but at the end of a request Django looks after its connections.
    """
    settings.MIDDLEWARE = ["redirection.middleware.RedirectionMiddleware"]
    settings.ROOT_URLCONF = "tests.vectors.urls"
    return WSGIHandler()


@pytest.fixture(params=[False, True], ids=["bytes", "ascii"])
def ascii_only(request: pytest.FixtureRequest) -> bool:
    """Whether the server leaves headers empty that have a byte of 0x80 or more."""
    return bool(request.param)


@pytest.fixture(params=["middleware", "door", "gate"])
def send(request: pytest.FixtureRequest, site: WSGIHandler, ascii_only: bool) -> Send:
    """An adapter."""
    if request.param == "middleware":
        return through_wsgi(site, ascii_only=ascii_only)
    behind_the_door = through_wsgi(with_door(site), ascii_only=ascii_only)
    return behind_the_door if request.param == "door" else behind_a_proxy(behind_the_door)


@pytest.fixture
def enter(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts this process into a world, at ``NOW``."""

    def into(world: dict[str, Any]) -> None:
        for name, value in settings_of(world).items():
            setattr(settings, name, value)
        monkeypatch.setattr(switches, "_held", held_in(world, NOW))

    with time_machine.travel(NOW / 1000, tick=False):
        yield into


@pytest.mark.parametrize("world", [world["world"] for world in WORLDS])
def test_every_vector_comes_out_as_expected(
    world: str, send: Send, ascii_only: bool, enter: Any, request: pytest.FixtureRequest
) -> None:
    worlds, vectors = load()
    enter(worlds[world])
    played = [vector for vector in vectors if vector["world"] == world]
    by_proxy = request.node.callspec.params["send"] == "gate"
    assert played
    wrong = {
        vector["name"]: found
        for vector in played
        if (
            found := list(
                differences(
                    vector, worlds[world], send, NOW, ascii_only=ascii_only, by_proxy=by_proxy
                )
            )
        )
    }
    assert wrong == {}


@pytest.mark.parametrize("world", [world["world"] for world in WORLDS])
def test_the_gate_says_why_and_whether_it_knows(
    world: str, site: WSGIHandler, ascii_only: bool, enter: Any
) -> None:
    worlds, vectors = load()
    enter(worlds[world])
    ask = through_wsgi(with_door(site), ascii_only=ascii_only)
    played = [vector for vector in vectors if vector["world"] == world]
    for vector in played:
        answered = ask(gate_call(request_of(vector, worlds[world], NOW)))
        wanted = expected(vector, ascii_only=ascii_only)
        reason, *_ = (answered.header("Redirection-Decision") or "").split(";")
        marks = answered.header("Redirection-Form-Cookie") is not None
        found = {"gate": answered.status, "reason": reason, "form_cookie": marks}
        assert found == {key: wanted[key] for key in found}, vector["name"]


def test_the_file_is_what_the_tables_say() -> None:
    assert FILE.read_text() == tables.text(), "Run: python -m tests.vectors"


def test_names_are_unique() -> None:
    names = Counter(vector["name"] for vector in load()[1])
    assert [name for name, times in names.items() if times > 1] == []


def test_every_reason_and_every_class_of_requests_is_played(enter: Any) -> None:
    worlds, vectors = load()
    assert len(vectors) >= 150
    both = [expected(vector, ascii_only=less) for vector in vectors for less in (False, True)]
    assert {wanted["reason"] for wanted in both} == {*Reason, gate.BAD_TARGET}
    enter(worlds["main"])
    classes = {
        request_class(hints_of(of_environ(environ_of(request_of(vector, worlds["main"], NOW)))))
        for vector in vectors
    }
    assert classes == set(RequestClass)


def test_the_runner_finds_what_is_wrong(enter: Any) -> None:
    """Against an adapter that lets everything through, it complains about all that should go."""
    worlds, vectors = load()
    for vector in vectors:
        found = list(differences(vector, worlds[vector["world"]], portal, NOW))
        decides = vector["expect"]["decision"] is not None or vector["expect"]["cookies"]
        assert bool(found) == bool(decides), vector["name"]


def test_the_recipe_for_cookies_makes_those_of_this_project(enter: Any) -> None:
    tid = TIDS["contoso"]
    enter(WORLDS[0])
    settings = WORLDS[0]["settings"]

    def made(cookie: dict[str, Any]) -> str:
        return cookie_header([cookie], settings, NOW)

    session = LegacySession(tid, NOW - 5000, NOW - 1000)
    kept = legacy_sessions.keeping(conf(), session, "")
    assert made({"session": tid, "started": -5000, "seen": -1000}) == f"{kept.name}={kept.value}"
    assert session_times(kept.value) == (NOW - 5000, NOW - 1000)
    assert session_times("x") is None
    number = UUID("0123456789abcdef0123456789abcdef")
    running = step_backs.RunningStepBack(tid, number, NOW - 5000, NOW + 60_000)
    back = step_backs.keeping(conf(), running, NOW, "")
    told = {"step_back": tid, "number": number.hex, "started": -5000, "until": 60_000}
    assert made(told) == f"{back.name}={back.value}"
    mark = form_chains.marking(conf())
    assert made({"form": 0}) == f"{mark.name}={mark.value}"
    with pytest.raises(ValueError, match="unknown"):
        made({"unknown": 1})
