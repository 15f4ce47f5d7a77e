"""Rules as a file: what is written is read back, and every wrong line is named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from redirection import link_rule_files
from redirection.link_rule_files import csv_lines, decoded, read_rules
from redirection.link_rules import Kind, LinkRule, Part, normal_source
from redirection.routes import Counterpart
from redirection.rule_problem_texts import sentences
from redirection.rule_set_problems import problems

_TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00")).map(str.strip)
_FORMULA = st.text(alphabet="';=+-@ a\uff1d", max_size=12).map(str.strip)
_RULES = st.builds(
    LinkRule,
    st.just(0),
    st.sampled_from(list(Kind)).map(str),
    _TEXT,
    st.one_of(_TEXT, _FORMULA),
    part=st.sampled_from(list(Part)).map(str),
    query=st.one_of(_TEXT, _FORMULA),
    counterpart=st.sampled_from(list(Counterpart)).map(str),
    cloud=_FORMULA,
    enabled=st.booleans(),
    note=_FORMULA,
).map(lambda rule: replace(rule, source=normal_source(rule.kind, rule.source)))


@given(st.lists(_RULES.filter(lambda rule: normal_source(rule.kind, rule.source) == rule.source)))
def test_what_is_written_is_read_back(rules: list[LinkRule]) -> None:
    read, found = read_rules("".join(csv_lines(rules)))
    assert found == []
    assert [replace(rule, line=0) for rule in read] == rules


@given(_FORMULA)
def test_no_cell_is_a_formula(text: str) -> None:
    note = list(csv_lines([LinkRule(1, "exact", "/a", "/b", note=text)]))[1]
    cell = note.rstrip("\r\n").rpartition(",")[2].strip('"')
    assert cell == "" or cell.lstrip()[:1] not in tuple("=+-@\uff1d")


def test_columns_come_in_any_order_and_most_are_optional() -> None:
    text = "\ufeffTarget,source,enabled\r\n/x,#/A/b/,no\r\n\r\n/y,/c,\r\n"
    assert read_rules(text) == (
        [
            LinkRule(0, "exact", "/a/b", "/x", enabled=False, line=2),
            LinkRule(0, "exact", "/c", "/y", line=4),
        ],
        [],
    )


def test_semicolons_may_separate_cells() -> None:
    rules, found = read_rules('source;target;query\n/a;/b;"drop; set a=b"\n')
    assert (rules[0].query, found) == ("drop; set a=b", [])


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["line 1: The file is empty. Its first line names the columns."]),
        (
            "source,goal\n/a,/b\n",
            [
                "line 1: There is no column “goal” in a file of rules.",
                "line 1: The first line names no column “target”.",
            ],
        ),
        ("source,target,source\n", ["line 1: The first line names the column “source” twice."]),
        (
            'source,target\n"/a\n",/b\n/c,/d,/e\n',
            ["line 4: This line has more cells than the first one has names."],
        ),
        (
            "source,target,enabled\n/a,/b,maybe\n",
            ["line 2: enabled: “maybe” is not a word it can have."],
        ),
        (
            'source,target\n/a,"/b\n',
            ["line 2: From here on this is not CSV: unexpected end of data."],
        ),
    ],
)
def test_a_wrong_line_is_named(text: str, lines: list[str]) -> None:
    assert sentences(read_rules(text)[1]) == lines


def test_a_file_in_another_encoding_is_refused_at_its_line() -> None:
    found = decoded("source,target\n/ü,/x\n".encode("latin-1"))[1]
    assert sentences(found)[0].startswith("line 2: From here on this is not UTF-8.")
    assert decoded(b"\xef\xbb\xbfsource") == ("source", [])


def test_a_file_has_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_rule_files, "MOST_LINES", 2)
    text = "source,target\n" + "/a,/b\n" * 3
    assert read_rules(text)[0] == []
    assert sentences(read_rules(text)[1]) == ["line 4: A file has at most 2 rules."]
    assert sentences(decoded(b"a" * 20_000_001)[1]) == ["The file is larger than 20 MB."]


def test_a_header_as_wide_as_a_table_is_refused_at_once() -> None:
    header = ",".join(f"column{number}" for number in range(20_000))
    assert sentences(read_rules(f"{header}\n/a,/b\n")[1]) == [
        "line 1: The first line names too many columns: there are 9."
    ]


def test_lines_that_are_no_rules_are_counted_and_problems_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link_rule_files, "MOST_PROBLEMS", 5)
    text = "source,target\n" + "/a,/b,/c\n" * 9
    assert len(read_rules(text)[1]) == 5
    monkeypatch.setattr(link_rule_files, "MOST_LINES", 3)
    assert sentences(read_rules(text)[1]) == ["line 5: A file has at most 3 rules."]


def test_an_empty_cell_is_named() -> None:
    rules, found = read_rules("source,target,note\n,/x,\n/a,,\n,,only a note\n")
    assert found == []
    assert sentences(problems(rules, ["commercial"])) == [
        "line 2: There is nothing in “source”.",
        "line 3: There is nothing in “target”.",
        "line 4: There is nothing in “source”.",
        "line 4: There is nothing in “target”.",
    ]
