"""What a deep link is called and counted under, whatever stands behind the page."""

from __future__ import annotations

import base64
import json

import pytest

from redirection.deep_links import Counterpart, counterpart_of, destination_for, is_unmatched
from redirection.link_rules import LinkRule, normal_source
from redirection.rule_sets import RuleSet

TID = "11111111-1111-4111-8111-111111111111"
PERSON = "22222222-2222-4222-8222-222222222222"


def named(identity: object, *, padded: bool = False) -> str:
    text = base64.b64encode(json.dumps(identity).encode()).decode()
    return text if padded else text.rstrip("=")


def rules(*rows: tuple[str, str, dict[str, object]]) -> RuleSet:
    return RuleSet(
        LinkRule(number, "exact", normal_source("exact", source), target, **fields)  # type: ignore[arg-type]
        for number, (source, target, fields) in enumerate(rows, start=1)
    )


@pytest.mark.parametrize(
    ("page", "feature", "route", "counterpart", "unmatched"),
    [
        ("/", "Home", "", Counterpart.EXACT, False),
        ("/alerts/5", "One alert", "alerts/*", Counterpart.NEAREST, False),
        ("/users/nobody", "One user", "users/*", Counterpart.NEAREST, False),
        (f"/users/{named({'id': PERSON})}", "User page", "users/*", Counterpart.EXACT, False),
        ("/nowhere/at/all", "", "*", Counterpart.NONE, True),
        ("/audits/below", "Activity log", "audits/*", Counterpart.NEAREST, True),
    ],
)
def test_every_page_has_its_name_and_route(
    page: str, feature: str, route: str, counterpart: Counterpart, unmatched: bool
) -> None:
    link = destination_for(page)
    assert (link.feature, link.route, link.counterpart) == (feature, route, counterpart)
    assert is_unmatched(link) is unmatched


def test_the_parameters_of_an_item_arrive_with_the_tenant() -> None:
    assert "a=1" in destination_for("/alerts/5", "a=1", tid=TID).target
    assert "a=1" in destination_for("/users/nobody", "a=1", tid=TID).target
    person = destination_for(f"/users/{named({'id': PERSON})}", "a=1", tid=TID).target
    assert person == f"/user/?aad={PERSON}&a=1&tid={TID}"


@pytest.mark.parametrize("length", range(4))
def test_a_person_is_found_with_and_without_padding(length: int) -> None:
    identity = {"id": PERSON, "x": "y" * length}
    for text in (named(identity), named(identity, padded=True)):
        assert f"aad={PERSON}" in destination_for(f"/users/{text}").target


def test_what_is_no_base64_names_nobody() -> None:
    text = named({"id": PERSON})
    link = destination_for(f"/users/{text[:8]}!{text[8:]}")
    assert link.counterpart is Counterpart.NEAREST


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("/audits", destination_for("/audits").feature),
        ("/alerts/*", "One alert"),
        ("/", "Home"),
    ],
)
def test_a_template_has_the_name_of_its_pages(template: str, expected: str) -> None:
    assert counterpart_of(template)[1] == expected


def test_how_well_a_rule_answers_stands_behind_its_template() -> None:
    assert counterpart_of("/audits nearest") == (Counterpart.NEAREST, "")
    assert counterpart_of("/reports/* none") == (Counterpart.NONE, "")


def test_a_rule_without_a_counterpart_names_no_feature() -> None:
    held = rules(("/old", "/alerts", {"counterpart": "none"}))
    link = destination_for("/old", rules=held)
    assert (link.feature, link.counterpart, link.rule) == ("", Counterpart.NONE, 1)


def test_a_page_nobody_has_named_has_no_name() -> None:
    link = destination_for("/old", rules=rules(("/old", "/somewhere/new", {})))
    assert (link.target, link.feature) == ("/somewhere/new", "")
