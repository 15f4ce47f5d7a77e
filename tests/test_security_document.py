"""docs/security.md names tests that exist and answers every requirement it has to answer."""

from __future__ import annotations

import ast
import csv
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
REQUIREMENTS = DOCUMENT[DOCUMENT.index("## OWASP ASVS") :]
# Numbers and levels of the OWASP Application Security Verification Standard 5.0.0, 1 and 2.
LIST = ROOT / "tests" / "asvs_requirements.csv"
STATES = ("met", "partly", "not met", "deployment")
NUMBER = re.compile(r"\d+\.\d+\.\d+")
TEST = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
LINK = re.compile(r"(?<!!)\[[^]]+]\(([^)\s]+)\)")
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "SECURITY.md"]


def levels() -> dict[str, str]:
    with LIST.open(encoding="utf-8", newline="") as file:
        return {row["number"]: row["level"] for row in csv.DictReader(file)}


def rows() -> list[list[str]]:
    """The rows of the tables of requirements that apply: number, level, state, words, tests."""
    cells = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in REQUIREMENTS.splitlines()
    )
    return [row for row in cells if NUMBER.fullmatch(row[0])]


def numbers() -> list[str]:
    """Every number of a requirement that is answered, those that do not apply too."""
    first = [row[0] for row in rows()]
    apart = REQUIREMENTS[REQUIREMENTS.index("### What does not apply") :]
    return first + NUMBER.findall(apart)


@cache
def named_in(name: str) -> frozenset[str]:
    """The test functions of a file in tests/; none where there is no such file."""
    path = ROOT / "tests" / name
    if not path.is_file():
        return frozenset()
    found = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return frozenset(
        node.name for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@cache
def places(page: Path) -> frozenset[str]:
    """What a link into ``page`` may name behind the hash: its headings, as hosts of code do."""
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles)


def test_the_list_is_that_of_the_standard() -> None:
    found = list(levels().values())
    # As the standard counts them itself.
    assert (found.count("1"), found.count("2")) == (70, 183)


def test_every_requirement_is_answered_exactly_once() -> None:
    answered = numbers()
    assert sorted(answered) == sorted(levels())


def test_every_row_has_the_level_of_its_requirement_a_state_and_words() -> None:
    known = levels()
    for number, level, state, words, _ in rows():
        assert level == known[number], number
        assert state in STATES, number
        assert words, number


def test_the_sum_is_right() -> None:
    found = [row[2] for row in rows()]
    text = " ".join(REQUIREMENTS.split())
    total = (
        f"Of {len(levels())}, {len(levels()) - len(found)} do not apply. Of the others "
        f"{found.count('met')} are **met**, {found.count('partly')} **partly** and "
        f"{found.count('not met')} **not met**"
    )
    assert total in text, total


def test_every_test_that_is_named_exists() -> None:
    named = TEST.findall(DOCUMENT)
    assert len(named) > 200
    missing = {f"{file}::{test}" for file, test in named if test not in named_in(file)}
    assert not missing


def test_nothing_else_looks_like_a_test() -> None:
    assert len(re.findall(r"\btest_\w+::|\.py::", DOCUMENT)) == len(TEST.findall(DOCUMENT))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"https?://", link):
            continue
        path, _, place = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not place or place in places(target), link
