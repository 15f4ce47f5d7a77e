"""Where a legacy page lives now."""

from __future__ import annotations

import base64
import csv
import json
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import ada_url
import pytest
from hypothesis import example, given, strategies as st

from redirection.deep_links import Counterpart, destination_for, route_template
from redirection.routes import ROUTES

TID = "11111111-1111-4111-8111-111111111111"
OID = "99999999-8888-4777-8666-555555555555"
ORIGIN = "https://security.microsoft.com"


def user_id(document: object) -> str:
    """The legacy portal's name for a user: base64 of JSON."""
    return base64.b64encode(json.dumps(document).encode()).decode()


def link_shapes(tid: str = TID) -> list[tuple[str, str]]:
    """The observed and inferred pairs, with ids filled in."""
    names = {"<tid>": tid, "<oid>": OID, "<user>": user_id({"id": OID, "saas": 11161, "inst": 0})}
    pairs = []
    with (Path(__file__).parent / "deep_links.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for name, value in names.items():
                row = {column: text.replace(name, value) for column, text in row.items()}
            pairs.append((row["legacy"], row["destination"]))
    return pairs


@pytest.mark.parametrize(("legacy", "destination"), link_shapes())
def test_an_observed_link_lands_where_its_page_is(legacy: str, destination: str) -> None:
    parts = urlsplit(legacy)
    link = destination_for(parts.path, parts.query, parts.fragment, TID)
    assert ORIGIN + link.target == destination


@pytest.mark.parametrize(
    ("fragment", "target"),
    [
        ("#/audits", "/cloudapps/activity-log"),
        ("#/audits/", "/cloudapps/activity-log"),
        ("#!/audits", "/cloudapps/activity-log"),
        ("#/AUDITS", "/cloudapps/activity-log"),
        ("#/audits?", "/cloudapps/activity-log"),
        ("#/audits?a=1&a=2", "/cloudapps/activity-log?a=1&a=2"),
        ("#/audits?a=o:(b:i:2,c)&d", "/cloudapps/activity-log?a=o:(b:i:2,c)&d"),
        ("#%252Faudits%253Fa%253D1", "/cloudapps/activity-log?a=1"),
        ("#/discovery?tab=dashboard&x=1", "/cloudapps/discovery?x=1"),
        ("#/discovery?tab=apps", "/cloudapps/discovery?tab=apps"),
        ("#/discovered-users?x=1&tab=own", "/cloudapps/discovery?tab=users&x=1"),
        ("#/policy/templates", "/cloudapps/policies/templates"),
        ("#/settings/ip-ranges", "/cloudapps/settings?tabid=ipRanges"),
        ("#/app-permissions?a=1&tid=x", "/cloudapps/oauth-apps?tid=x"),
    ],
)
def test_a_fragment_link_keeps_its_parameters(fragment: str, target: str) -> None:
    link = destination_for("/", "", fragment, TID)
    assert (link.target, link.counterpart) == (target, Counterpart.EXACT)


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        ("/audits", "activity.id=eq(X,)", "/cloudapps/activity-log?activity.id=eq(X,)"),
        ("/audits", "?a=1", "/cloudapps/activity-log?a=1"),
        ("/policy/", "", "/cloudapps/policies/management"),
        ("/", "a=1", "/?a=1"),
        ("", "", "/"),
    ],
)
def test_a_path_link_reads_the_same_table(path: str, query: str, target: str) -> None:
    assert destination_for(path, query).target == target


def test_the_page_query_travels_beside_the_fragment() -> None:
    link = destination_for("/", "tid=t&x=1", "#/audits?x=2", "")
    assert link.target == "/cloudapps/activity-log?x=2&tid=t"


def test_a_fragment_that_is_no_route_stays_behind_the_page() -> None:
    assert destination_for("/audits", "", "#details").target == "/cloudapps/activity-log#details"


@pytest.mark.parametrize(
    "name",
    [
        user_id({"id": OID}),
        user_id({"id": OID.upper(), "saas": 11161}),
        user_id({"id": OID}).rstrip("="),
        quote(user_id({"id": OID}), safe=""),
        base64.urlsafe_b64encode(json.dumps({"id": OID, "n": "~~~???"}).encode()).decode(),
        user_id({"id": OID, "n": "ÿÿÿ>>>???"}),
    ],
)
def test_a_user_page_is_found_by_the_object_id_inside(name: str) -> None:
    link = destination_for("/", "", f"/users/{name}", TID)
    assert link.target == f"/user/?aad={OID}&tid={TID}"
    assert link.counterpart is Counterpart.EXACT


@pytest.mark.parametrize(
    "name",
    [
        "nobody",
        user_id({"id": "not-a-uuid"}),
        user_id({"id": 7}),
        user_id({}),
        user_id([OID]),
        user_id(None),
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"[" * 100_000).decode(),
        "%00",
        "ü",
    ],
)
def test_a_user_nobody_can_name_leads_to_the_list(name: str) -> None:
    link = destination_for("/", "", f"/users/{name}", TID)
    assert link.target == f"/identities?tid={TID}"
    assert link.counterpart is Counterpart.NEAREST


def test_one_alert_leads_to_the_queue_because_ids_differ() -> None:
    link = destination_for("/", "", "/alerts/5f2a1b3c4d5e6f7a8b9c0d1e")
    assert (link.target, link.counterpart) == ("/alerts", Counterpart.NEAREST)


def test_an_item_without_a_rule_leads_to_its_list() -> None:
    link = destination_for("/", "", "/policy/5f2a/edit")
    assert link.target == "/cloudapps/policies/management"
    assert link.counterpart is Counterpart.NEAREST


@pytest.mark.parametrize("route", ["security-configuration", "identity-security-posture"])
def test_a_feature_that_left_has_no_counterpart(route: str) -> None:
    link = destination_for("/", "", f"/{route}?a=1", TID)
    assert (link.target, link.counterpart) == ("/", Counterpart.NONE)
    assert link.feature


def test_an_unknown_page_has_no_counterpart_and_keeps_its_tenant() -> None:
    link = destination_for("/", "", "/never-heard-of?a=1", TID)
    assert link.counterpart is Counterpart.NONE
    assert link.target == f"/?a=1&tid={TID}"


def test_the_template_of_a_route_tells_nobody_apart() -> None:
    one = destination_for("/", "", f"/users/{user_id({'id': OID})}", TID)
    two = destination_for("/", "", "/users/someone", TID)
    assert route_template(one) == "/users/{id}"
    assert route_template(two) == "/users/*"
    assert route_template(destination_for("/secret-name")) == "/*"


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_every_row_of_the_table_leads_to_a_page_of_the_destination(route: str) -> None:
    row = ROUTES[route]
    assert row.target.startswith("/")
    assert not row.target.startswith("//")
    assert route == route.lower().strip("/")
    assert (
        destination_for("/", "", f"/{route}").target.partition("?")[0]
        == (row.target.partition("?")[0])
    )


HOSTILE = [
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "@evil.example",
    "/@evil.example",
    "%2f%2fevil.example",
    "/%2F/evil.example",
    "/%5cevil.example",
    "https://evil.example",
    "/https://evil.example",
    "javascript:alert(1)",
    "/\r\nLocation: https://evil.example",
    "/%0d%0aX: y",
    "/\x00",
    "/audits\r\nSet-Cookie: a=b",
    "/audits?x=\r\nSet-Cookie: a=b",
    "/audits?x=#//evil.example",
    "/..//evil.example",
    "/./\t/evil.example",
    "/\u2028evil",
    "/\ud800",
]


@pytest.mark.parametrize("address", HOSTILE)
@pytest.mark.parametrize("place", ["path", "query", "fragment"])
def test_no_hostile_link_leaves_the_destination(address: str, place: str) -> None:
    parts = {"path": "/", "query": "", "fragment": "", place: address}
    target = destination_for(**parts, tid=TID).target
    assert ada_url.URL(ORIGIN + target).origin == ORIGIN
    assert ada_url.URL(target, ORIGIN).origin == ORIGIN
    assert target.isascii()
    assert target.isprintable()


@given(path=st.text(), query=st.text(), fragment=st.text(), tid=st.sampled_from(["", TID]))
@example(path="", query="", fragment="/" * 5000, tid="")
@example(path="", query="", fragment="%252F" * 500, tid="")
def test_no_link_whatever_leaves_the_destination(
    path: str, query: str, fragment: str, tid: str
) -> None:
    target = destination_for(path, query, fragment, tid).target
    assert ada_url.URL(target, ORIGIN).origin == ORIGIN
    assert target.isascii()
    assert target.isprintable()
    assert " " not in target


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="&\\"), max_size=200))
def test_a_value_arrives_as_it_was(value: str) -> None:
    link = destination_for("/", "", f"/audits?id=eq({quote(value)},)")
    assert link.target == f"/cloudapps/activity-log?id=eq({quote(value)},)"
    raw = destination_for("/", "", f"/audits?id={value}")
    assert unquote(raw.target) == unquote(f"/cloudapps/activity-log?id={value}")


def test_a_link_of_eight_kilobytes_arrives_whole() -> None:
    value = "eq(" + ",".join(f"{number:024x}" for number in range(320)) + ")"
    assert len(value) > 8000
    link = destination_for("/", "", f"/audits?id={value}")
    assert link.target == f"/cloudapps/activity-log?id={value}"
