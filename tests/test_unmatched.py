"""Links nothing matches are counted by template, and are one step away from a rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from http import HTTPStatus
from unittest import mock

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given, strategies as st

from redirection import counted_loads, unmatched
from redirection.conf import conf
from redirection.link_rules import LinkRule, segments_of
from redirection.link_templates import template_of, template_of_address
from redirection.models import Tenant, UnmatchedLink
from redirection.models.unmatched import MOST_TEMPLATES, UnmatchedLinkQuerySet
from redirection.rule_problems import own_problems
from redirection.rule_sets import RuleSet
from redirection.unmatched_admin import rule_for, rule_number
from tests.conftest import Switch
from tests.test_link_rule_changes import changed, numbers
from tests.test_link_rule_pages import operator
from tests.test_link_rules import exact, pattern, prefix, rule

NOW = 1_767_600_000_000


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    """It is NOW, whatever the clock says."""
    with time_machine.travel(NOW / 1000, tick=False):
        yield


def counted() -> dict[str, int]:
    unmatched.write_unmatched()
    rows = UnmatchedLink.objects.by_template()
    return {row["template"]: row["total"] for row in rows}


@pytest.mark.parametrize(
    ("path", "fragment", "template"),
    [
        ("/foo/bar", "", "/foo/bar"),
        ("/foo/12/edit", "", "/foo/*/edit"),
        ("/foo/Otto.Meier@example.com", "", "/foo/*"),
        ("/", "#/foo/5f2a1b3c4d5e6f7a8b9c0d1e?user=otto", "/foo/*"),
        ("/", "#!/foo-bar", "/foo-bar"),
        ("/foo", "#details", "/foo"),
        ("/a/bc/de/fg/hi", "", "/*/bc/de/*"),
        ("/foo/bar/baz/qux", "", "/foo/bar/baz/*"),
        ("/%2e%2e/x", "", "/*/*"),
        ("/" + "a" * 40, "", "/*"),
        ("/größe", "", "/*"),
    ],
)
def test_a_template_keeps_words_of_page_names_only(path: str, fragment: str, template: str) -> None:
    assert template_of_address(path, fragment) == template


@given(st.text())
def test_a_template_is_short_and_plain(path: str) -> None:
    assert re.fullmatch(r"(?:[a-z-]{2,31}|\*)?(?:/(?:[a-z-]{2,31}|\*)){0,3}", _template(path))
    assert len(_template(path)) < 100


def _template(path: str) -> str:
    return template_of(segments_of(path)[0])


def test_a_load_of_an_unknown_page_is_counted_for_all_tenants(
    contoso: Tenant, fabrikam: Tenant, legacy: Client, switch: Switch
) -> None:
    switch(contoso, "on")
    with CaptureQueriesContext(connection) as queries:
        legacy.get("/new-feature/7")
    assert len(queries) == 0
    legacy.get("/new-feature/8")
    legacy.get("/policy/7/edit")
    legacy.get("/security-configuration")
    for known in ("/audits", "/alerts/7", "/users/otto", "/", "/api/v1/x"):
        legacy.get(known)
    assert counted() == {"/new-feature/*": 2, "/policy/*/edit": 1, "/security-configuration": 1}


def test_a_page_with_a_rule_is_no_longer_counted(
    contoso: Tenant, legacy: Client, switch: Switch
) -> None:
    changed(prefix("/new-feature", "/x", 0, counterpart="none"))
    switch(contoso, "on")
    legacy.get("/new-feature/7")
    assert counted() == {}


def test_the_fragment_moves_the_count_when_the_browser_tells(
    contoso: Tenant, destination: Client, legacy: Client, switch: Switch
) -> None:
    switch(contoso, "on")
    for path, fragment in (("/shell", "#/audits"), ("/", "#/unheard/7"), ("/shell", "")):
        legacy.get(path)
        claim = counted_loads.claim(conf(), str(contoso.tid), path, NOW)
        told = {"tid": contoso.tid, "from": path, "fragment": fragment, "counted": claim}
        destination.post("/redirection/go", told, headers={"sec-fetch-site": "same-origin"})
    assert counted() == {"/shell": 1, "/unheard/*": 1}


def test_no_more_than_a_thousand_templates_a_day_are_kept(db: None) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = [f"/{a}{b}{c}" for a in letters for b in letters for c in letters][:1_500]
    for name in names[:900]:
        unmatched.count(name, NOW)
    unmatched.write_unmatched()
    for name in names:
        unmatched.count(name, NOW)
    unmatched.write_unmatched()
    assert UnmatchedLink.objects.count() <= MOST_TEMPLATES + 1
    assert sum(counted().values()) == 2_400
    assert counted()["/*"] == 500


def test_memory_is_bounded(db: None) -> None:
    for number in range(5_000):
        unmatched.count(f"/{'x' * (number % 30)}{chr(97 + number % 26)}-{number}", NOW)
    assert len(unmatched._loads) <= unmatched.MOST_TEMPLATES + 1
    assert sum(unmatched._loads.values()) == 5_000


def test_a_store_that_fails_loses_nothing(db: None) -> None:
    unmatched.count("/foo", NOW)
    failing = mock.patch.object(
        UnmatchedLinkQuerySet, "add_loads", side_effect=OperationalError("gone")
    )
    with failing, pytest.raises(OperationalError):
        unmatched.write_unmatched()
    unmatched.count("/foo", NOW)
    assert counted() == {"/foo": 2}


@pytest.mark.parametrize(
    ("template", "fields"),
    [
        ("/foo/bar", {"kind": "exact", "source": "/foo/bar"}),
        ("/foo/*", {"kind": "prefix", "source": "/foo"}),
        ("/foo/*/edit", {"kind": "pattern", "source": "/foo/([^/]+)/edit"}),
        ("/foo/*/*", {"kind": "pattern", "source": "/foo/([^/]+)/([^/]+)(?:/.*)?"}),
        ("/*", {}),
        ("/*/foo", {}),
    ],
)
def test_a_template_suggests_a_rule_that_is_right(template: str, fields: dict[str, str]) -> None:
    assert rule_for(template) == fields
    if fields:
        assert not list(own_problems(rule(**fields, target="/x"), ["commercial"]))


def test_from_a_link_without_a_rule_it_is_one_step_to_one(db: None) -> None:
    for template in ("/foo/*/edit", "/foo/*/edit", "/*"):
        unmatched.count(template, NOW)
    unmatched.write_unmatched()
    olga = operator("olga")
    page = unescape(olga.get("/admin/redirection/unmatchedlink/").content.decode())
    assert page.index("/foo/*/edit") < page.index("Too many different addresses")
    found = re.search(r'href="(/admin/redirection/deeplinkrule/add/\?[^"]*)"', page)
    assert found is not None
    form = unescape(olga.get(found[1]).content.decode())
    assert 'value="/foo/([^/]+)/edit"' in form
    assert re.search(r'value="pattern" selected', form)


@pytest.mark.parametrize(
    ("one", "template", "is_answered"),
    [
        (prefix("/foo", "/x", 7), "/foo/*/edit", True),
        (pattern("/foo/([0-9]+)/edit", "/x", 7), "/foo/*/edit", True),
        (pattern("/foo/([a-z]+)/edit", "/x", 7, part="fragment"), "/foo/*/edit", True),
        (exact("/foo", "/x", 7), "/foo/*", False),
        (prefix("/foo", "/x", 7, enabled=False), "/foo/*", False),
        (prefix("/foo", "/x", 7, cloud="moon"), "/foo/*", False),
        (prefix("/foo", "/x", 7, cloud="commercial"), "/foo/*", False),
    ],
)
def test_a_template_knows_the_rule_that_answers_it(
    one: LinkRule, template: str, is_answered: bool
) -> None:
    found = rule_number(template, RuleSet([one]), ["commercial", "moon"])
    assert found == (7 if is_answered else None)


def test_where_a_rule_was_made_none_is_suggested_any_more(db: None) -> None:
    unmatched.count("/foo/*/edit", NOW)
    unmatched.write_unmatched()
    changed(prefix("/foo", "/x", 0))
    number = numbers()["/foo"]
    page = operator("olga").get("/admin/redirection/unmatchedlink/").content.decode()
    assert f"Rule {number} answers it now" in page
    assert f'href="/admin/redirection/deeplinkrule/{number}/change/"' in page
    assert "Make a rule" not in page


def test_the_page_asks_for_its_permission(db: None) -> None:
    page = "/admin/redirection/unmatchedlink/"
    assert operator("ruth", "view_deeplinkrule").get(page).status_code == HTTPStatus.FORBIDDEN
    seen = operator("rita", "view_unmatchedlink").get(page)
    assert "Nothing yet" in seen.content.decode()
