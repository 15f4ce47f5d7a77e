"""The rules read backwards: every old address found really leads to the page asked about."""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from redirection.deep_links import Counterpart, destination_for
from redirection.link_rules import LinkRule
from redirection.routes import ROUTES, Query
from redirection.rule_sets import RuleSet
from redirection.way_back import Back, WayBack, legacy_for

OBJECT_ID = "87d349ed-44d7-43e1-9a83-5f2406dee5bd"
PARAMETERS = st.lists(
    st.tuples(
        st.sampled_from(["tid", "activity.id", "id", "text", "a%20b", "%C3%A9", "x"]),
        st.sampled_from(["", "eq(1,)", "i:2", "%2520", "%E6%97%A5", "a=b", "o:(x)", "1"]),
    ).map("=".join),
    max_size=4,
).map("&".join)


def back(address: str, **more: Any) -> WayBack:
    path, _, query = address.partition("?")
    return legacy_for(path, query, **more)


def forth(link: str, **more: Any) -> str:
    address, _, fragment = link.partition("#")
    path, _, query = address.partition("?")
    return destination_for(path, query, fragment, **more).target


BACK = {
    "/": "/",
    "/?x=1": "/?x=1",
    "/cloudapps/activity-log?activity.id=eq(1,)": "/#/audits?activity.id=eq(1,)",
    "/cloudapps/policies/management": "/#/policy",
    "/cloudapps/discovery": "/#/discovery",
    "/cloudapps/discovery?tab=apps&x=1": "/#/discovered-apps?x=1",
    "/cloudapps/settings": "/#/settings",
    "/cloudapps/settings?tabid=about": "/#/settings/about",
    "/cloudapps/settings?x=1&tabid=about": "/#/settings/about?x=1",
    "/alerts?tid=1": "/#/alerts?tid=1",
}


@pytest.mark.parametrize(("page", "link"), BACK.items())
def test_a_page_has_its_old_address(page: str, link: str) -> None:
    found = back(page)
    assert (found.back, found.link, found.left_out) == (Back.SAME, link, ())


@pytest.mark.parametrize(
    "page",
    ["/cloudapps/settings/try-link", "/cloudapps/settings/redirection-history", "/nobody",
     "/user/?aad=nobody", "//evil.example/", "", "cloudapps", "/Cloudapps/Files", "/alerts/1"],
)  # fmt: skip
def test_a_page_that_exists_only_over_there_has_none(page: str) -> None:
    assert back(page) == WayBack(Back.NONE)


def test_one_user_is_found_again_by_the_object_id() -> None:
    found = back(f"/user/?aad={OBJECT_ID}&tid=1")
    route, _, query = found.link.partition("?")
    document = json.loads(base64.b64decode(route.removeprefix("/#/users/")))
    assert (document["id"], query) == (OBJECT_ID, "tid=1")
    assert forth(found.link) == f"/user/?aad={OBJECT_ID}&tid=1"


def test_filters_that_were_dropped_cannot_be_restored() -> None:
    assert (back("/cloudapps/oauth-apps").back, back("/cloudapps/oauth-apps").dropped) == (
        Back.SAME,
        True,
    )
    found = back("/cloudapps/oauth-apps?permission=high&tid=1")
    assert (found.back, found.link) == (Back.WITHOUT_PARAMETERS, "/#/app-permissions")
    assert found.left_out == ("permission", "tid")


def test_all_old_pages_that_lead_to_one_are_listed() -> None:
    assert back("/cloudapps/policies/templates").also == ("/templates",)
    assert back("/cloudapps/app-catalog").also == ("/catalog",)
    # The ids of alerts differ, so one alert has led to the queue.
    assert back("/alerts").also == ("/alerts/*",)
    assert back("/identities").also == ("/users/*",)
    assert back("/cloudapps/files").also == ()


@given(name=st.sampled_from(sorted(ROUTES)), query=PARAMETERS)
def test_there_and_back_and_there_is_the_same_page(name: str, query: str) -> None:
    link = destination_for("/", fragment=f"/{name}?{query}")
    found = back(link.target)
    row = ROUTES[name]
    assert found.back is Back.SAME or (row.query is Query.DROP and "tid" in query)
    if found.back is Back.SAME:
        assert forth(found.link) == link.target


@given(path=st.sampled_from(sorted({row.target for row in ROUTES.values()})), query=PARAMETERS)
def test_whatever_is_called_the_same_is_the_same(path: str, query: str) -> None:
    page = f"{path}{'&' if '?' in path else '?'}{query}" if query else path
    found = back(page)
    if found.back is Back.SAME:
        there = forth(found.link)
        assert there.partition("?")[0] == page.partition("?")[0]
        assert (
            sorted(there.partition("?")[2].split("&"))
            == sorted(filter(None, page.partition("?")[2].split("&")))
            or not query
        )


@given(path=st.text(max_size=40), query=st.text(max_size=40))
def test_any_text_is_answered_with_an_own_path(path: str, query: str) -> None:
    link = legacy_for(path, query).link
    assert link == "" or (link.startswith("/") and link[1:2] not in ("/", "\\"))


@given(object_id=st.uuids())
def test_every_user_comes_back(object_id: UUID) -> None:
    page = f"/user/?aad={object_id}"
    assert forth(back(page).link) == page


# --- Rules of the operator ---


def by_rules(page: str, *rules: LinkRule, cloud: str = "commercial") -> WayBack:
    return back(page, rules=RuleSet(rules), cloud=cloud, operator_rules=rules)


def test_an_exact_rule_is_read_backwards() -> None:
    rule = LinkRule(1, "exact", "/old/report", "/new/report?view=1", query="rename a=b")
    found = by_rules("/new/report?view=1&b=2", rule)
    assert (found.back, found.link) == (Back.SAME, "/#/old/report?a=2")


def test_what_a_rule_sets_is_taken_out() -> None:
    rule = LinkRule(1, "exact", "/old", "/new", query="set mode=full")
    assert by_rules("/new?x=1&mode=full", rule).link == "/#/old?x=1"
    assert by_rules("/new?x=1", rule).back is Back.NONE


def test_a_prefix_brings_the_rest_back() -> None:
    rule = LinkRule(1, "prefix", "/old", "/new/{rest}")
    assert by_rules("/new/a/B%20c?x=1", rule).link == "/#/old/a/B%20c?x=1"


def test_a_rule_for_paths_gives_a_path() -> None:
    rule = LinkRule(1, "exact", "/old", "/new", part="path")
    assert by_rules("/new?x=1", rule).link == "/old?x=1"


def test_a_rule_that_another_one_overrules_is_no_way_back() -> None:
    wide = LinkRule(1, "prefix", "/old", "/new/{rest}")
    narrow = LinkRule(2, "exact", "/old/a", "/elsewhere")
    assert by_rules("/new/a", wide, narrow).back is Back.NONE
    assert by_rules("/new/b", wide, narrow).link == "/#/old/b"


def test_a_rule_hides_the_row_of_the_table_it_replaces() -> None:
    rule = LinkRule(1, "exact", "/audits", "/elsewhere")
    assert by_rules("/cloudapps/activity-log", rule).back is Back.NONE
    assert by_rules("/elsewhere", rule).link == "/#/audits"


def test_patterns_aliases_and_other_clouds_are_left_alone() -> None:
    rules = (
        LinkRule(1, "pattern", "/p/([0-9]+)", "/new/{1}"),
        LinkRule(2, "exact", "/alias", "#/audits"),
        LinkRule(3, "exact", "/gov", "/new/gov", cloud="gcc-high"),
        LinkRule(4, "exact", "/off", "/new/off", enabled=False),
    )
    for page in ("/new/1", "/new/gov", "/new/off"):
        assert by_rules(page, *rules).back is Back.NONE
    assert by_rules("/new/gov", *rules, cloud="gcc-high").link == "/#/gov"
    assert by_rules("/cloudapps/activity-log", *rules).link == "/#/audits"


@pytest.mark.parametrize("counterpart", Counterpart)
def test_a_page_that_is_only_near_is_found_as_well(counterpart: Counterpart) -> None:
    rule = LinkRule(1, "exact", "/old", "/new", counterpart=counterpart.value)
    assert by_rules("/new?x=1", rule).link == "/#/old?x=1"


def test_what_cannot_lead_here_is_not_asked_about() -> None:
    # Each has the address of a row of the table, which goes on answering behind "#".
    page = "/cloudapps/activity-log"
    for rule in (
        LinkRule(1, "exact", "/audits", page, part="path", enabled=False),
        LinkRule(1, "pattern", "/audits", page, part="path"),
        LinkRule(1, "exact", "/audits", page, part="path", query="no instruction"),
    ):
        assert by_rules(f"{page}?x=1", rule).link == "/#/audits?x=1"
    assert by_rules(page, LinkRule(1, "exact", "/audits", page, part="path")).link == "/audits"


def test_a_page_without_a_counterpart_is_no_old_address_of_the_start_page() -> None:
    assert back("/").also == ("/dashboard",)


def test_a_renamed_parameter_is_found_however_the_rule_writes_it() -> None:
    rule = LinkRule(1, "exact", "/old", "/new", query="rename a=ü")
    assert by_rules("/new?%C3%BC=1", rule).link == "/#/old?a=1"
