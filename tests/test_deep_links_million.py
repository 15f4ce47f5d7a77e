"""A million random targets: none ever leaves the destination, as a browser reads addresses."""

from __future__ import annotations

import multiprocessing
import os
import random
import secrets
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from urllib.parse import quote, unquote

import ada_url
import pytest

from redirection.deep_links import DeepLink, destination_for
from redirection.routes import ROUTES

DESTINATION = "https://security.example.com"
PAGE = f"{DESTINATION}/redirection/go"
TID = "11111111-1111-4111-8111-111111111111"
SHORT, MILLION = 20_000, 1_000_000
# Four times longer than what browsers and proxies take without a murmur.
LONGEST = 8_192
PIECES = [
    *ROUTES, "users/eyJpZCI6Ijg3ZDM0OWVkLTQ0ZDctNDNlMS05YTgzLTVmMjQwNmRlZTViZCJ9",
    "alerts/5f3e9c2a", "/", "//", "///", "\\", "/\\", "\\\\", "%2f", "%2F%2f", "%252f", "%5c",
    "%255C", "/%09/", "\t", "\r\n", "%0d%0a", "\x00", "%00", "@", "@evil.example",
    "evil.example", "//evil.example", "https://evil.example", "https:", "javascript:alert(1)",
    "data:text/html,x", "evil.example:443", "[::1]", "user:pass@", ":", ";", "..", "/../",
    "/./", "%2e%2e/", "%2e%2e%2f", "....//", "?", "&", "=", "\\=", "#", "#/", "!", "!/", "%23/",
    "tid=", "tid=x", "a=1", "activity.id=eq(abc123,)", "id=eq(5f3e9c2a,)", "+", "%20", " ", "%",
    "%%", "%zz", "é", "日本", "\U0001f600", "\ud800", "\u2028", "\uff0f\uff0f", "\u3002",
    "\u200b", "\xa0", "%c3%a9", "%ff", "<", ">", '"', "'", "`", "{", "}", "|", "^", "~", "*",
    "(", ")", ",", "$", "0", "A" * 64,
]  # fmt: skip


def text(source: random.Random) -> str:
    """A few pieces in a row, now and then as long as a request may be."""
    found = "".join(source.choices(PIECES, k=source.randrange(6)))
    if source.random() < 0.002:
        found = (found or "a") * (LONGEST // (len(found) or 1))
    return found[:LONGEST]


def question(source: random.Random) -> tuple[str, str, str, str]:
    """Path, query, fragment and tenant, as a request or the hand-over page brings them."""
    return f"/{text(source)}", text(source), text(source), source.choice(["", TID])


def problem(link: DeepLink) -> str:
    """What is wrong with the address of ``link`` for a browser; "" if nothing is."""
    target = link.target
    if not target.isascii() or not target.isprintable() or " " in target:
        return "it holds a character that does not belong there"
    # As a Location, and as what a browser finds in a page of the destination. An address is
    # written with its origin first, and a name or password would stand within.
    for address in (ada_url.normalize_url(DESTINATION + target), ada_url.join_url(PAGE, target)):
        if not address.startswith(f"{DESTINATION}/"):
            return f"it leads to {address}"
    return ""


def hold_against(count: int) -> int:
    """Ask for so many random targets; how many were asked for."""
    source = random.Random(seed := secrets.randbits(64))
    for asked in range(count):
        legacy = question(source)
        link = destination_for(*legacy)
        wrong = problem(link)
        # The seed repeats a failure.
        assert not wrong, f"seed {seed}, {asked}: {legacy!r} became {link!r}: {wrong}"
    return asked + 1


def test_random_targets_never_leave_the_destination() -> None:
    assert hold_against(SHORT) == SHORT


@pytest.mark.long
def test_a_million_random_targets_never_leave_the_destination() -> None:
    parts = os.cpu_count() or 1
    counts = [MILLION // parts] * (parts - 1) + [MILLION - MILLION // parts * (parts - 1)]
    # A process begins anew: a copy of this one would have its threads and locks.
    with ProcessPoolExecutor(parts, multiprocessing.get_context("spawn")) as processes:
        asked = sum(processes.map(hold_against, counts))
    print(f"{asked:,} targets")  # noqa: T201 (it is the proof)
    assert asked == MILLION


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example", "/\\evil.example", "@evil.example", ":x@evil.example/", ".evil.example",
        ":8443/", "/a b", "/é",
    ],
)  # fmt: skip
def test_the_question_would_notice(target: str) -> None:
    assert problem(replace(destination_for("/"), target=target))


def test_ids_and_parameters_survive_whatever_they_are() -> None:
    source = random.Random(seed := secrets.randbits(64))
    for _ in range(2_000):
        value = "".join(
            source.choices("abcXYZ019-_.~éß日\U0001f600 /+%", k=source.randrange(1, 40))
        )
        encoded = quote(value, safe="")
        link = destination_for("/", "", f"#/audits?activity.id=eq({encoded},)", TID)
        query = ada_url.URL(DESTINATION + link.target).search
        assert f"activity.id=eq({encoded},)" in query, f"seed {seed}"
        assert unquote(encoded) == value


def test_a_link_of_eight_kilobytes_arrives_whole() -> None:
    value = "é%20" * 1_300
    encoded = quote(value, safe="")[:LONGEST]
    encoded = encoded[: encoded.rindex("%")]
    link = destination_for("/", "", f"#/audits?activity.id=eq({encoded},)", TID)
    assert f"activity.id=eq({encoded},)" in link.target
