"""Where a legacy page lives by the operator's rules, and which of them wins."""

from __future__ import annotations

import time
from dataclasses import replace
from urllib.parse import quote, unquote, urlsplit

import ada_url
import pytest
from hypothesis import given, strategies as st

from redirection.deep_links import (
    Counterpart,
    DeepLink,
    counterpart_of,
    destination_for,
    is_unmatched,
    route_template,
)
from redirection.link_rule_queries import query_handling
from redirection.link_rules import Kind, LinkRule, Part, filled, normal_source
from redirection.rule_problems import own_problems
from redirection.rule_sets import (
    LARGEST_PROGRAM,
    LONGEST_FOR_PATTERNS,
    LONGEST_ROUTE,
    BadPattern,
    RuleSet,
    compiled,
)

ORIGIN = "https://security.example"
TID = "11111111-1111-4111-8111-111111111111"
CLOUDS = ("commercial", "gcc-high")


def rule(kind: str, source: str, target: str, number: int = 1, **fields: object) -> LinkRule:
    made = LinkRule(number, kind, normal_source(kind, source), target)
    return replace(made, **fields)  # type: ignore[arg-type]


def exact(source: str, target: str, number: int = 1, **fields: object) -> LinkRule:
    return rule("exact", source, target, number, **fields)


def prefix(source: str, target: str, number: int = 1, **fields: object) -> LinkRule:
    return rule("prefix", source, target, number, **fields)


def pattern(source: str, target: str, number: int = 1, **fields: object) -> LinkRule:
    return rule("pattern", source, target, number, **fields)


def led(address: str, *rules: LinkRule, cloud: str = "") -> DeepLink:
    """Where ``address`` leads by ``rules``."""
    parts = urlsplit(address)
    return destination_for(parts.path, parts.query, parts.fragment, TID, RuleSet(rules), cloud)


@pytest.mark.parametrize(
    "address",
    ["/reports/old", "/#/reports/old", "/#!/reports/old", "/#/Reports//OLD/", "/reports%2Fold#x"],
)
def test_an_exact_rule_answers_its_page_however_it_is_written(address: str) -> None:
    link = led(address, exact("#/reports/old", "/reports/new"))
    page = link.target.partition("#")[0]
    # An encoded slash is part of a segment's name, and still the same page to the legacy portal.
    assert (page, link.counterpart, link.rule) == ("/reports/new", Counterpart.EXACT, 1)


def test_a_rule_comes_before_the_built_in_table() -> None:
    assert led("/#/audits").target == "/cloudapps/activity-log"
    assert led("/#/audits", exact("/audits", "/here")).target == "/here"
    assert led("/#/audits/x", exact("/audits", "/here")).rule is None


def test_the_cloud_of_the_tenant_comes_before_all_clouds() -> None:
    rules = [
        exact("/a", "/all", 1),
        prefix("/a", "/gov", 2, cloud="gcc-high"),
        exact("/b", "/only-gov", 3, cloud="gcc-high"),
    ]
    assert led("/a", *rules, cloud="gcc-high").rule == 2
    assert led("/a", *rules, cloud="commercial").rule == 1
    assert led("/a", *rules).rule == 1
    assert led("/b", *rules, cloud="commercial").rule is None


def test_exact_comes_before_the_longest_prefix_before_patterns() -> None:
    rules = [
        pattern("/a/b/c", "/pattern", 1),
        prefix("/a", "/short", 2),
        prefix("/a/b", "/long", 3),
        exact("/a/b/c", "/exact", 4),
    ]
    assert led("/a/b/c", *rules).rule == 4
    assert led("/a/b/c", *rules[:3]).rule == 3
    assert led("/a/b/c", *rules[:2]).rule == 2
    assert led("/a/b/c", rules[0]).rule == 1


def test_patterns_come_by_their_longest_literal_start_then_by_number() -> None:
    rules = [
        pattern("/a/(.*)", "/general", 3),
        pattern("/a/b(.*)", "/longer", 9),
        pattern("/a/b([a-z]*)", "/later", 11),
        pattern("/a/b/(.*)", "/longest", 12),
    ]
    assert [led(link, *rules).rule for link in ("/a/b/c", "/a/bc", "/a/c")] == [12, 9, 3]


def test_a_rule_for_one_part_does_not_answer_the_other() -> None:
    rules = [
        exact("/a", "/of-path", 1, part="path"),
        exact("/a", "/of-fragment", 2, part="fragment"),
    ]
    assert (led("/a", *rules).rule, led("/#/a", *rules).rule) == (1, 2)
    assert led("/#/a", rules[0]).rule is None
    assert led("/#/a", rules[0], exact("/a", "/any", 3)).rule == 3
    assert led("/a", rules[0], exact("/a", "/any", 3)).rule == 1


def test_a_disabled_rule_answers_nothing() -> None:
    assert led("/a", exact("/a", "/b", enabled=False)).rule is None


@pytest.mark.parametrize(
    ("kind", "source", "target", "address", "arrives"),
    [
        ("prefix", "/a", "/x/{rest}", "/#/a/B/c%20d?q=1", "/x/B/c%20d?q=1"),
        ("prefix", "/a", "/x/{rest}", "/#/a", "/x/"),
        ("prefix", "/a", "/x", "/#/a/b", "/x"),
        ("prefix", "/a", "/x?id={rest}", "/#/a/b&c=d/e", "/x?id=b%26c%3Dd/e"),
        ("pattern", "/a/([0-9]+)", "/x/{1}/y", "/#/a/12?z=3", "/x/12/y?z=3"),
        ("pattern", "/a/(?P<id>[^/]+)/e", "/x?i={id}", "/#/A/aB-9/E", "/x?i=aB-9"),
        ("pattern", "/a/(.+)", "/x/{1}", "/#/a/b/c", "/x/b%2Fc"),
        ("pattern", "/a/(.+)", "/x/{1}", "/#/a/%C3%BC%2Fd%2525", "/x/%C3%BC%2Fd%2525"),
        ("pattern", "/a/ü(.*)", "/x/{1}", "/#/a/%c3%bcd", "/x/d"),
        ("pattern", "/a/(b)?(c)?", "/x/{1}-{2}", "/#/a/c", "/x/-c"),
        ("pattern", "/a/(.+)", "/x?q={1}#{1}", "/#/a/b+c;d", "/x?q=b%2Bc%3Bd#b%2Bc%3Bd"),
    ],
)
def test_what_is_captured_arrives_in_its_place(
    kind: str, source: str, target: str, address: str, arrives: str
) -> None:
    assert led(address, rule(kind, source, target)).target == arrives


@pytest.mark.parametrize(
    ("source", "target", "address"),
    [
        ("/a/(.*)", "/{1}/x", "/#/a/"),
        ("/a/(.*)", "/x/{1}/y", "/#/a/.."),
        ("/a/(.*)", "/x/{1}/y", "/#/a/%2E%2e"),
        ("/a/(.)(.)", "/x/{1}{2}/y", "/#/a/.."),
        ("/a/(.)(.)", "/x/{1}%2e/y", "/#/a/.x"),
        ("/a/(.*)", "#/{1}/x", "/#/a/"),
        # Nothing is captured between two slashes: it would be a host.
        ("/x/([a-z]*):(.*)", "/{1}/evil.example", "/#/x/:y"),
        ("/x/([a-z]*):(.*)", "#/{1}/evil.example", "/#/x/:y"),
    ],
)
def test_a_capture_that_would_leave_its_place_is_no_match(
    source: str, target: str, address: str
) -> None:
    assert led(address, pattern(source, target)).rule is None


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "evil.example",
        "@evil.example",
        "",
        "#",
        "#//evil",
        "/..",
    ],
)
def test_a_target_nobody_checked_is_filled_in_only_if_it_is_a_path(target: str) -> None:
    assert filled(target, {}, []) is None


def test_what_an_instruction_writes_is_as_an_address_has_it() -> None:
    handling = query_handling("rename a=ü; set ß=x%20é")
    assert handling.applied("a=1") == "%C3%BC=1&%C3%9F=x%20%C3%A9"


def test_dots_behind_a_prefix_are_no_match() -> None:
    assert led("/#/a/../../evil", prefix("/a", "/x/{rest}")).rule is None
    assert led("/#/a/../../evil", prefix("/a", "/x")).rule == 1


@pytest.mark.parametrize(
    ("instructions", "arrives"),
    [
        ("", "a=1&b=2&tid=t&a=3"),
        ("keep", "a=1&b=2&tid=t&a=3"),
        ("drop", "tid=t"),
        ("drop a", "b=2&tid=t"),
        ("rename a=z", "z=1&b=2&tid=t&z=3"),
        ("drop; rename a=z", "z=1&tid=t&z=3"),
        ("set b=9", "a=1&tid=t&a=3&b=9"),
        ("drop; set tab=x%26y", "tid=t&tab=x%26y"),
        (" rename a=z ;drop b; set c= ", "z=1&tid=t&z=3&c="),
        # What is renamed replaces what has that name already.
        ("rename a=b", "b=1&tid=t&b=3"),
        ("rename a=%62", "%62=1&tid=t&%62=3"),
        ("rename a=b; rename b=a", "b=1&a=2&tid=t&b=3"),
        ("drop %61", "b=2&tid=t"),
        ("set %61=9", "b=2&tid=t&%61=9"),
        ("rename %61=z", "z=1&b=2&tid=t&z=3"),
    ],
)
def test_the_parameters_follow_the_instructions(instructions: str, arrives: str) -> None:
    link = led("/#/old?a=1&b=2&tid=t&a=3", exact("/old", "/new", query=instructions))
    assert link.target == f"/new?{arrives}"


def test_parameters_of_the_target_win_over_those_of_the_link() -> None:
    assert led("/old?tab=own&x=1", exact("/old", "/new?tab=apps")).target == "/new?tab=apps&x=1"


def test_no_other_spelling_of_a_name_comes_past_the_target() -> None:
    one = exact("/old", "/new?role=reader", query="rename x%79=z")
    assert led("/old?rol%65=admin&x+=1&%78y=2", one).target == "/new?role=reader&x+=1&z=2"


def test_a_place_within_the_page_is_kept_unless_the_rule_names_one() -> None:
    assert led("/old#details", exact("/old", "/new")).target == "/new#details"
    assert led("/old#details", exact("/old", "/new#top")).target == "/new#top"


def test_an_alias_leads_where_that_route_leads() -> None:
    alias = prefix("/journal", "#/audits/{rest}?x=2", 1)
    assert led("/#/journal?y=1", alias).target == "/cloudapps/activity-log?x=2&y=1"
    link = led("/#/journal/b", alias, exact("/audits/b", "/rule", 2, counterpart="nearest"))
    assert (link.target, link.rule, link.counterpart) == ("/rule?x=2", 1, Counterpart.NEAREST)
    # The promise of the alias is no better than what is there.
    one = led("/#/alarm/7", prefix("/alarm", "#/alerts/{rest}"))
    assert (one.target.partition("?")[0], one.counterpart) == ("/alerts", Counterpart.NEAREST)


def test_an_alias_of_an_alias_is_not_followed_and_nothing_loops() -> None:
    loop = [prefix("/a", "#/b", 1), prefix("/b", "#/a", 2)]
    assert led("/#/a", *loop).rule == 1
    assert led("/#/a", *loop).counterpart is Counterpart.NONE


def test_a_page_of_a_rule_is_counted_apart_and_without_ids() -> None:
    link = led("/#/reports/X9/otto", prefix("/reports", "/r", counterpart="nearest"))
    assert route_template(link) == "/reports/* nearest"
    assert counterpart_of(route_template(link)) == (Counterpart.NEAREST, "")
    assert not is_unmatched(link)


@pytest.mark.parametrize(
    ("one", "counted"),
    [
        (pattern("/people/([a-z-]+)", "/p/{1}"), "/people/* exact"),
        (prefix("/people", "/p"), "/people/* exact"),
        (exact("/people/alice-smith", "/p"), "/people/alice-smith exact"),
        (exact("/people/0815", "/p"), "/people/* exact"),
    ],
)
def test_words_of_the_link_are_not_counted_but_those_of_the_rule(
    one: LinkRule, counted: str
) -> None:
    link = led(f"/#/people/{'0815' if '0815' in one.source else 'alice-smith'}", one)
    assert (link.rule, route_template(link)) == (1, counted)


def test_an_alias_names_the_rule_it_leads_through_as_well() -> None:
    alias = exact("/alias", "#/page", 1)
    link = led("/#/alias", alias, exact("/page", "/x", 2))
    assert (link.rule, link.followed) == (1, 2)
    assert led("/#/page", exact("/page", "/x", 2)).followed is None
    assert led("/#/alias", alias).followed is None


def test_a_target_of_the_table_brings_its_name() -> None:
    assert led("/#/journal", exact("/journal", "/cloudapps/activity-log")).feature == "Activity log"


# --- Whatever comes ----------------------------------------------------------------------

_WORDS = st.text(alphabet="abAB01-._~%25/\\:@?#&=+;{}()[]*|^$ ü\u202e\t\r\n\x00", max_size=20)
_SOURCES = st.sampled_from(["/a", "/a/b", "/A/%2e", "/a/(.*)", "/a/(.)(.*)", "/a/(?P<n>[^/]*)/?"])
_TARGETS = st.sampled_from(
    ["/{rest}", "/{1}", "/x{1}", "/x/{1}{1}/y", "/{n}?{n}={n}#{n}", "#/{1}", "#/a/{rest}", "/x?y#z"]
)
_RULES = st.builds(
    rule,
    st.sampled_from(list(Kind)),
    st.one_of(_SOURCES, _WORDS.map(lambda text: f"/a{text}")),
    st.one_of(_TARGETS, _WORDS.map(lambda text: f"/{text}")),
    st.integers(1, 99),
    part=st.sampled_from(list(Part)),
    query=st.sampled_from(["", "drop", "set a=b", "rename a=b;drop c"]),
    counterpart=st.sampled_from(list(Counterpart)),
    cloud=st.sampled_from(["", "commercial"]),
)
_LINKS = st.one_of(_WORDS.map(lambda text: f"/a/{text}"), st.text())


@given(st.lists(_RULES, max_size=8), _LINKS, st.text(), _LINKS, st.sampled_from(["", *CLOUDS]))
def test_no_rules_and_no_link_lead_off_the_destination(
    rules: list[LinkRule], path: str, query: str, fragment: str, cloud: str
) -> None:
    accepted = [one for one in rules if not list(own_problems(one, CLOUDS))]
    link = destination_for(path, query, fragment, TID, RuleSet(accepted), cloud)
    assert ada_url.URL(link.target, ORIGIN).origin == ORIGIN
    assert ada_url.URL(ORIGIN + link.target).origin == ORIGIN
    assert link.target.isascii()
    assert link.target.isprintable()
    assert " " not in link.target


@given(st.lists(_RULES, max_size=8), _LINKS)
def test_even_rules_nobody_checked_lead_to_the_destination(
    rules: list[LinkRule], path: str
) -> None:
    target = destination_for(path, "", "", TID, RuleSet(rules), "commercial").target
    assert ada_url.URL(target, ORIGIN).origin == ORIGIN


@given(st.lists(_RULES, max_size=8, unique_by=lambda one: (one.identity, one.number)), _LINKS)
def test_the_winner_does_not_depend_on_the_order_of_the_rules(
    rules: list[LinkRule], path: str
) -> None:
    by_identity = {one.identity: one for one in rules}
    apart = [replace(one, number=at) for at, one in enumerate(by_identity.values())]
    there, back = RuleSet(apart), RuleSet(reversed(apart))
    for part in (Part.PATH, Part.FRAGMENT):
        for cloud in ("", "commercial"):
            assert [found.number for found in there.matches(path, part, cloud)] == [
                found.number for found in back.matches(path, part, cloud)
            ]


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=100))
def test_an_id_arrives_as_it_was(value: str) -> None:
    rules = [prefix("/old", "/new/{rest}", 1), pattern("/one/([^/]+)/end", "/new/{1}", 2)]
    segment = quote(value, safe="")
    dots = unquote(segment) in (".", "..")
    for address in (f"/#/old/{segment}", f"/#/one/{segment}/end"):
        link = destination_for("/", f"q={segment}", address[2:], "", RuleSet(rules))
        assert (link.rule is None) == dots
        if not dots:
            assert link.target == f"/new/{segment}?q={segment}"


def test_a_link_of_eight_kilobytes_arrives_whole() -> None:
    value = "eq(" + ",".join(f"{number:024x}" for number in range(320)) + ")"
    link = led(f"/#/old?id={value}", exact("/old", "/new"))
    assert (link.target, len(value) > 8000) == (f"/new?id={value}", True)


# --- Hostile patterns --------------------------------------------------------------------

HOSTILE = [
    r"/a/(a+)+$",
    r"/a/(a|aa)+b",
    r"/a/(.*)*(.*)*x",
    r"/a/((((((.+)+)+)+)+)+)+z",
    r"/a/" + "(x?)" * 40 + "x" * 40,
    r"/a/(" + "|".join(f"w{number:03d}" for number in range(95)) + ")",
    r"/a/" + "(?:a?){30}" * 3 + "b",
    r"/a/\pL+\pN+(\w+\s?)+$",
]


@pytest.mark.parametrize("source", HOSTILE)
def test_a_hostile_pattern_is_refused_or_quick(source: str) -> None:
    one = pattern(source, "/x")
    assert len(source) <= 500
    if list(own_problems(one, CLOUDS)):
        return
    rules = RuleSet([one])
    began = time.process_time()
    for text in ("a" * (LONGEST_ROUTE - 4), "a" * 8_000, "w094w" * 300, "/" * 1_900):
        destination_for(f"/a/{text}", "", "", TID, rules)
    # A backtracking engine needs longer than the universe has been there.
    assert time.process_time() - began < 1


def test_a_pattern_has_a_largest_size_and_takes_no_more_memory_to_find_it() -> None:
    fits = f"/a/b{{{LARGEST_PROGRAM - 7}}}"
    assert compiled(fits).programsize == LARGEST_PROGRAM
    with pytest.raises(BadPattern, match=r"\Apattern too large\Z"):
        compiled(f"{fits}b")
    with pytest.raises(BadPattern, match="compile failed"):
        compiled(r"/a/\pL{20}")


def test_one_look_up_does_so_much_work_at_patterns_and_no_more() -> None:
    heavy = [pattern(f"/a/(?:a{{900}}|{number})+b", "/x", number) for number in range(1, 20)]
    last = pattern("/a/([a-z]+)", "/found", 99)
    assert led("/#/a/word", *heavy, last).rule == 99
    assert led(f"/#/a/{'a' * 490}", last).rule == 99
    assert led(f"/#/a/{'a' * 490}", *heavy, last).rule is None
    # Longer ones are no page names; exact sources and prefixes are still asked.
    longer = f"/#/a/{'a' * LONGEST_FOR_PATTERNS}"
    assert led(longer, last).rule is None
    assert led(longer, last, prefix("/a", "/x", 5)).rule == 5


def test_a_route_longer_than_any_page_name_is_not_compared() -> None:
    one = prefix("/a", "/x")
    assert led("/#/a/" + "b" * (LONGEST_ROUTE - 3), one).rule == 1
    assert led("/#/a/" + "b" * (LONGEST_ROUTE - 2), one).rule is None


def test_half_a_character_is_no_error() -> None:
    link = destination_for("/", "", "/a/\ud800", TID, RuleSet([pattern("/a/(.*)", "/x/{1}")]))
    assert link.target == "/x/%3F"


def test_a_rule_nobody_checked_takes_neither_the_start_page_nor_what_it_does_not_name() -> None:
    unchecked = [
        LinkRule(1, "exact", "/", "/x"),
        LinkRule(2, "prefix", "/", "/x"),
        LinkRule(3, "regex", "/a", "/x"),
    ]
    rules = RuleSet(unchecked)
    assert (rules.unusable, rules.size) == ([1, 2, 3], 0)
    assert led("/", *unchecked).rule is None
    assert led("/a/b", *unchecked).rule is None


@pytest.mark.parametrize(
    "source",
    [
        r"/a/((a{30}){30}){30}",
        r"/a/(?:\pL{50}){20}",
        r"/a/" + r"\pL" * 160,
        r"/a/" + "[a-z0-9]{999}" * 3,
    ],
)
def test_a_pattern_that_takes_much_memory_is_refused(source: str) -> None:
    assert [problem.code for problem in own_problems(pattern(source, "/x"), CLOUDS)] == ["pattern"]


def test_a_pattern_has_so_many_instructions_and_no_more() -> None:
    assert not list(own_problems(pattern("/a/b{990}", "/x"), CLOUDS))
    assert [problem.value for problem in own_problems(pattern("/a/b{999}", "/x"), CLOUDS)] == [
        "pattern too large"
    ]


def test_an_alias_whose_rule_cannot_be_used_follows_the_table() -> None:
    rules = [exact("/start", "#/a/..x", 1), pattern("/a/(..)x", "/x/{1}/y", 2)]
    assert led("/#/start", *rules).counterpart is Counterpart.NONE
    assert counterpart_of("/users/{id}") == (Counterpart.EXACT, "User page")


def test_bytes_that_are_no_text_are_matched_as_they_came() -> None:
    one = pattern("/a/%FF(.)", "/x/{1}")
    assert led("/#/a/%ff%C3%BC", one).target == "/x/%C3%BC"


@pytest.mark.parametrize(
    ("source", "link", "matches"),
    [
        (r"/a\.b/(.*)", "/#/a.b/c", True),
        (r"/a\.b/(.*)", "/#/axb/c", False),
        (r"/a/(x\)|y)", "/#/a/x)", True),
        (r"/a/[]|]", "/#/a/|", True),
        (r"/a/[^]|]", "/#/a/]", False),
    ],
)
def test_a_pattern_is_found_behind_its_plain_beginning(
    source: str, link: str, matches: bool
) -> None:
    one = pattern(source, "/x")
    assert not list(own_problems(one, CLOUDS))
    assert (led(link, one).rule == 1) == matches
