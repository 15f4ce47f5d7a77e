"""``manage.py explain``: what a request gets and why, in words and for programs."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest
import time_machine
from django.core.management import call_command, execute_from_command_line
from django.http import HttpResponse

from redirection import legacy_sessions
from redirection.conf import conf
from redirection.decisions import LegacySession
from redirection.models import ReasonKind, Tenant
from redirection.visitors import Visitor
from tests.conftest import Switch

LINK = "http://contoso.portal.localhost/audits?activity.id=eq(1,)"


def said(*words: str) -> str:
    out = io.StringIO()
    call_command("explain", *words, stdout=out)
    return out.getvalue()


def program(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(*words, "--json"))
    return found


def test_it_says_decision_rule_revision_and_who_switched(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    lines = [line.strip() for line in said(LINK).splitlines()]
    assert "Decision: Goes to the destination." in lines
    assert "Reason: There is no session from before the switch." in lines
    assert f"Code: new_session;revision={contoso.revision}" in lines
    assert f"Revision: {contoso.revision}" in lines
    assert "Rule: Row of the built-in table /audits" in lines
    assert any("from Not set to On, by a test (Command line)" in line for line in lines)
    assert f"Its reason: {ReasonKind.TRIAL.label}: The test asks for it" in lines
    assert "Status: 302 Found" in lines
    assert (
        "Header: Location: http://security.localhost/cloudapps/activity-log?activity.id=eq(1,)"
        in lines
    )


def test_programs_get_the_same_in_fixed_words(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    found = program("#/alerts/5f2a", "--tenant", "contoso", "--visitor", "new-tab")
    assert found["decision"] == {
        "goes": False,
        "refused": False,
        "by_script": True,
        "reason": "session_continues",
        "exempt_path": None,
    }
    assert found["setting"]["revision"] == contoso.revision
    assert found["setting"]["switch"]["who"] == "a test"
    assert (found["link"]["row"], found["link"]["rule"]) == ("/alerts/*", None)
    assert found["session"]["runs"] is True
    assert found["answer"]["status"] is None
    assert found["question"]["fragment"] == "/alerts/5f2a"


def test_what_a_request_is_does_not_depend_on_its_host(contoso: Tenant) -> None:
    found = program("http://elsewhere.example/audits")
    assert found["decision"]["reason"] == "not_legacy"
    assert found["question"]["request_class"] == "page_load"
    found = program("http://elsewhere.example/audits", "--visitor", "iframe")
    assert found["question"]["request_class"] == "embedded"


def test_a_change_of_stepping_back_is_told_in_the_words_of_the_history(contoso: Tenant) -> None:
    words = ("on", "--minutes", "30", "--kind", "missing", "--reason", "Exports")
    call_command("allow_step_back", "contoso", *words, stdout=io.StringIO())
    assert "from Off to Allowed, 30 minutes, by" in said(LINK)


@pytest.mark.parametrize("visitor", Visitor)
def test_every_kind_of_visitor_can_be_asked_about(visitor: Visitor, contoso: Tenant) -> None:
    assert program(LINK, "--visitor", visitor)["question"]["visitor"] == visitor.value


def test_headers_and_method_replace_those_of_the_visitor(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    assert program(LINK, "--method", "post")["decision"]["reason"] == "not_page_load"
    headers = ("--header", "Sec-Fetch-Dest: iframe", "--header", "Sec-Fetch-Mode: navigate")
    assert program(LINK, *headers)["decision"]["reason"] == "not_page_load"


def test_a_time_without_a_zone_is_utc_and_said_to_be(contoso: Tenant) -> None:
    with time_machine.travel("2026-06-01T00:00:00Z", tick=False):
        naive = said(LINK, "--at", "2026-02-01T14:00")
        assert "Time: 2026-02-01 14:00:00 UTC" in naive
        assert "The time named no zone: it was read as UTC." in naive
        zoned = said(LINK, "--at", "2026-02-01T14:00+01:00")
        assert "Time: 2026-02-01 13:00:00 UTC" in zoned
        assert "named no zone" not in zoned


def test_before_the_first_change_the_organisation_was_not_there(contoso: Tenant) -> None:
    before = said(LINK, "--at", "2020-01-01T00:00Z")
    assert "The organisation is not known." in before
    assert "The organisation was not there yet at that time." in before


def test_a_disabled_organisation_is_said_to_be(contoso: Tenant) -> None:
    contoso.enabled = False
    contoso.provision(reason="Unpaid", channel="command", operator="Olga")
    assert "The organisation was disabled at that time." in said(LINK)


def test_a_cookie_is_judged_and_never_written_out(
    contoso: Tenant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = int(contoso.since.timestamp() * 1000)
    response = HttpResponse()
    session = LegacySession(str(contoso.tid), now - 1000, now)
    legacy_sessions.write(conf(), response, session, "")
    name, morsel = next(iter(response.cookies.items()))
    out = said(LINK, "--cookie", f"{name}={morsel.value}")
    assert f"Signed with the key in use. {name}" in out
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{name}={morsel.value}\n"))
    from_input = program(LINK, "--cookie", "-")
    assert from_input["session"]["cookie"] == {"name": name, "signature": "current"}
    for told in (out, json.dumps(from_input), caplog.text):
        assert morsel.value not in told
    assert "it counts as no session" in said(LINK, "--cookie", "forged")


NO_HOST = "The host or port of this link cannot be. Copy it once more from its page."
WHOSE = "The address names no host: say whose it is, or give the whole address."
TIME = "Write the time as 2026-01-31T14:00 or 2026-01-31T14:00+01:00."
FUTURE = "What will happen then is not known: leave the time empty."
CHOICE = f"“ghost” is no kind of visitor. Choose one of these: {', '.join(Visitor)}."


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "the following arguments are required: URL"),
        (["javascript:1"], "URL: Only links that begin with http:// or https:// open a page."),
        (["http://[::1/"], f"URL: {NO_HOST}"),
        (["/audits"], f"--tenant: {WHOSE}"),
        (["/audits", "--tenant", "nobody"], "--tenant: No tenant is named “nobody”."),
        ([LINK, "--at", "yesterday"], f"--at: {TIME}"),
        ([LINK, "--at", "2026-02-31T14:00"], f"--at: {TIME}"),
        ([LINK, "--at", "9999-12-31T23:59-12:00"], f"--at: {FUTURE}"),
        ([LINK, "--visitor", "ghost"], f"--visitor: {CHOICE}"),
        ([LINK, "--method", "G T"], "--method: This is no method of a request."),
        ([LINK, "--header", "nonsense"], "--header: Write a header as Name: value."),
        ([LINK, "--header", "Bad name: x"], "--header: Write a header as Name: value."),
        ([LINK, "--header", "Cookie: a=b"], "--header: Host and cookies have fields of their own."),
        ([LINK, "--why"], "unrecognized arguments: --why"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(
    words: list[str], error: str, contoso: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        execute_from_command_line(["manage.py", "explain", *words])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == f"CommandError: {error}\n"
