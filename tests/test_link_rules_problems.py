"""What is wrong with deep link rules is found before they count, across the whole set."""

from __future__ import annotations

import pytest
from django.utils import translation

from redirection.link_rules import LONGEST_TARGET, LinkRule, normal_source
from redirection.rule_problem_texts import line_of, sentence
from redirection.rule_set_problems import problems
from redirection.rule_sets import MOST_PATTERNS, MOST_PATTERNS_BEHIND
from tests.test_link_rules import CLOUDS, exact, pattern, prefix, rule


def wrong(*rules: LinkRule) -> list[tuple[str, int]]:
    """The codes of all problems, each with the number of its rule."""
    return [(problem.code.value, problem.number) for problem in problems(rules, CLOUDS)]


def said(*rules: LinkRule) -> list[str]:
    return [line_of(problem) for problem in problems(rules, CLOUDS)]


def test_rules_that_are_right_have_no_problems() -> None:
    assert not wrong(
        exact("/a", "/x?y=1#z", 1, query="drop; set a=b"),
        prefix("/a", "/x/{rest}", 2, cloud="gcc-high"),
        pattern("/b/([0-9]+)/(?P<name>.*)", "/x/{1}?n={name}", 3, part="fragment"),
        exact("/c", "#/a", 4, counterpart="none"),
        exact("/a", "/y", 5, cloud="gcc-high"),
        pattern("/b/(daily|weekly)[|]x", "/x/{1}", 6),
    )


@pytest.mark.parametrize(
    "target",
    [
        "x",
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "https://evil.example",
        "/x/../y",
        "/x/%2e%2E/y",
        "/./x",
        "/x y",
        "/x\r\nSet-Cookie: a",
        "/\t/evil.example",
        "/ü",
        "#",
        "#/",
        "#audits",
        "#//evil",
        "#/a#b",
        "@evil.example",
    ],
)
def test_a_target_off_the_destination_is_refused(target: str) -> None:
    assert (
        {"target"} <= {code for code, _ in wrong(exact("/a", target))} <= {"target", "characters"}
    )


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (rule("regex", "/a", "/x"), "unknown_word"),
        (exact("/a", "/x", part="query"), "unknown_word"),
        (exact("/a", "/x", counterpart="some"), "unknown_word"),
        (exact("/a", "/x", cloud="moon"), "unknown_cloud"),
        (exact("", "/x"), "missing"),
        (pattern("", "/x"), "missing"),
        (exact("/a", ""), "missing"),
        (exact("/", "/x"), "start_page"),
        (prefix("#/", "/x"), "start_page"),
        (exact("/a?b=1", "/x"), "source_with_query"),
        (exact("/a" * 21, "/x"), "too_deep"),
        (exact("/" + "a" * 500, "/x"), "too_long"),
        (exact("/a", "/" + "x" * LONGEST_TARGET), "too_long"),
        (exact("/a", "/x", note="n" * 201), "too_long"),
        (exact("/a", "/x", note="a\x00b"), "characters"),
        (exact("/a", "/x", query="remove a"), "query"),
        (exact("/a", "/x", query="rename a"), "query"),
        (exact("/a", "/x", query="set a=b&c=d"), "query"),
        (exact("/a", "/x/{rest}"), "capture"),
        (prefix("/a", "/x/{1}"), "capture"),
        (pattern("/a/(.*)", "/x/{2}"), "capture"),
        (pattern("/a/(?P<one>.*)", "/x/{two}"), "capture"),
        (pattern("/a/(", "/x"), "pattern"),
        (pattern(r"/a/(.)\1", "/x"), "pattern"),
        (pattern("/a/(?=b)", "/x"), "pattern"),
        (pattern("/a|/b", "/x"), "pattern_alternatives"),
        (pattern("/a/[]|]|b", "/x"), "pattern_alternatives"),
        (pattern("/a.*", "/x"), "pattern_start"),
        (pattern("/ab?/c", "/x"), "pattern_start"),
        (pattern(".*", "/x"), "pattern_start"),
        (pattern("(?i)/a", "/x"), "pattern_start"),
        (pattern("/a/" + "b" * 500, "/x"), "too_long"),
    ],
)
def test_one_rule_by_itself(one: LinkRule, code: str) -> None:
    assert wrong(one) == [(code, 1)]


def test_the_same_source_twice() -> None:
    assert said(exact("#/A/", "/x", 1), exact("/a", "/y", 7)) == [
        "rule 7: The same source as rule 1 (/a). Keep one of them."
    ]
    # One that is disabled can be enabled at any time.
    assert wrong(exact("/a", "/x", 1, enabled=False), exact("/a", "/y", 2)) == [("same_source", 2)]
    assert not wrong(exact("/a", "/x", 1), exact("/a", "/y", 2, part="path"))


def test_a_rule_that_is_never_reached() -> None:
    assert said(pattern("/a/b/(.*)", "/x", 1), prefix("/a", "/y", 2)) == [
        "rule 1: Never reached: rule 2 (/a) always comes first."
    ]
    both = [exact("/a", "/x", 1, part="path"), exact("/a", "/y", 2, part="fragment")]
    assert wrong(*both, exact("/a", "/z", 3)) == [("shadowed", 3)]
    # Another cloud, another part, or disabled: it is reached.
    assert not wrong(pattern("/a/(.*)", "/x", 1), prefix("/a", "/y", 2, cloud="gcc-high"))
    assert not wrong(pattern("/a/(.*)", "/x", 1), prefix("/a", "/y", 2, part="path"))
    assert not wrong(pattern("/a/(.*)", "/x", 1), prefix("/a", "/y", 2, enabled=False))
    assert not wrong(pattern("/ab/(.*)", "/x", 1), prefix("/a", "/y", 2))


def test_a_chain_says_its_whole_path_and_the_way_out() -> None:
    rules = [exact("/a", "#/b", 12), exact("/b", "#/c", 40), exact("/c", "/x", 41)]
    way = "rule 12 (/a) → rule 40 (/b). Point rule 12 (/a) straight to #/c."
    assert said(*rules) == [f"rule 12: A chain of aliases: {way}"]


def test_a_loop_says_its_whole_path() -> None:
    rules = [exact("/a", "#/b", 1), prefix("/b", "#/c/x", 2), pattern("/c/(.*)", "#/a", 3)]
    names = ["rule 1 (/a)", "rule 2 (/b)", "rule 3 (/c/(.*))"]
    way_out = "Point one of them to a page of the destination."
    assert said(*rules) == [
        f"rule {at + 1}: A loop of aliases: "
        f"{' → '.join([*names[at:], *names[: at + 1]])}. {way_out}"
        for at in range(3)
    ]


def test_an_alias_of_itself_is_a_loop() -> None:
    assert wrong(prefix("/a", "#/a/b/{rest}", 1)) == [("loop", 1)]
    assert not wrong(prefix("/a", "#/a/b/{rest}", 1, enabled=False))


def test_a_chain_in_one_cloud_only_is_found() -> None:
    rules = [exact("/a", "#/b", 1), exact("/b", "#/c", 2, cloud="gcc-high")]
    assert wrong(*rules) == [("chain", 1)]


def test_patterns_are_limited() -> None:
    behind = [pattern(f"/a/{number}x(.*)", "/x", number) for number in range(1, 22)]
    assert wrong(*behind) == [("too_many_behind", MOST_PATTERNS_BEHIND + 1)]
    # One look-up asks those of its part and of any, of its cloud and of all, behind each of
    # the beginnings of a route.
    apart = [
        pattern("/a/(.*)x", "/x", 31, part="path"),
        pattern("/a/(.*)x", "/x", 32, cloud="gcc-high"),
        pattern("/a/b/(.*)x", "/x", 33),
    ]
    for one in apart:
        assert wrong(*behind[:20], one) == [("too_many_behind", one.number)]
        assert not wrong(*behind[:19], one)
    under = [pattern(f"/a/b/{number}x(.*)", "/x", number) for number in range(1, 21)]
    assert wrong(*under, pattern("/a/(.*)x", "/x", 34)) == [("too_many_behind", 34)]
    many = [pattern(f"/a{number}/(.*)", "/x", number) for number in range(1, MOST_PATTERNS + 3)]
    assert wrong(*many) == [("too_many_patterns", MOST_PATTERNS + 1)]


def test_a_chain_that_a_capture_ends_is_one_step_long() -> None:
    # What would stand there is no page, so the second alias is not followed.
    rules = [exact("/a", "#/b/..x", 1), pattern("/b/(..)x", "#/c/{1}/d", 2)]
    assert wrong(*rules) == [("chain", 1)]


@pytest.mark.parametrize(
    ("kind", "pasted", "route"),
    [
        ("exact", "https://contoso.portal.example/#/reports/old?x=1", "/reports/old"),
        ("prefix", "HTTP://contoso.portal.example:8080/Reports/Old?x=1", "/reports/old"),
        ("exact", "https://contoso.portal.example/?tid=1#/audits", "/audits"),
        ("exact", "https://contoso.portal.example", "/"),
        ("exact", "https://contoso.portal.example/shell#!/audits", "/audits"),
        ("exact", "https://contoso.portal.example/shell#top", "/shell"),
        ("pattern", "https://contoso.portal.example/ticket/([0-9]+)", "/ticket/([0-9]+)"),
    ],
)
def test_whoever_pastes_a_whole_address_learns_its_route(
    kind: str, pasted: str, route: str
) -> None:
    found = problems([rule(kind, normal_source(kind, pasted), "/x")], CLOUDS)
    assert [(one.code, one.value) for one in found] == [("whole_address", route)]
    assert sentence(found[0]).endswith(f"without the host: {route}")


def test_from_right_to_left_an_address_is_still_read_from_left_to_right() -> None:
    found = problems([exact("/a", "/x", 1), exact("/a", "//y", 2)], CLOUDS)
    with translation.override("ar"):
        said = [sentence(one) for one in found]
    assert "\u2066//y\u2069" in said[0]
    assert "\u2066/a\u2069" in said[1]
