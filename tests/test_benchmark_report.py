"""Nobody copies figures: the report takes them from the run into the document."""

from __future__ import annotations

from pathlib import Path

from benchmarks.report import NAMES
from benchmarks.results import Aim, Result, Table
from tests.test_benchmark import ROOT, benchmark

DOCUMENT = "Before.\n<!-- sockets -->\nold\n<!-- end of sockets -->\nAfter.\n"


def result(rate: float) -> Result:
    return Result(
        "2 rounds of 1 s",
        [Table(("over a socket", "requests/s"), [("our door", f"{rate:,.0f}")])],
        "What it means.",
        {"our door": {"rate": rate}, "nginx": {"rate": 4 * rate}},
        [Aim("our door, times nginx", 0.2, 0.25), Aim("milliseconds", 5, 7, at_least=False)],
        ["Not compared: wagtail (the peers are not installed)"],
    )


def reported(folder: Path, document: str) -> str:
    (folder / "performance.md").write_text(document)
    found = benchmark(
        f"--results={folder}",
        f"--document={folder / 'performance.md'}",
        module="benchmarks.report",
    )
    assert found.returncode == 0, found.stderr
    return (folder / "performance.md").read_text()


def test_tables_aims_and_what_is_missing_replace_those_of_the_run_before(tmp_path: Path) -> None:
    result(12_345).publish(tmp_path / "sockets.json")
    text = reported(tmp_path, DOCUMENT)
    assert text.startswith("Before.\n<!-- sockets -->\n")
    assert text.endswith("<!-- end of sockets -->\nAfter.\n")
    assert "old" not in text
    for line in (
        "| our door | 12,345 |",
        "| our door, times nginx | at least 0.2 | 0.25 | yes |",
        "| milliseconds | at most 5 | 7 | no |",
        "Not compared: wagtail (the peers are not installed)",
        "What it means.",
    ):
        assert line in text.splitlines()
    assert reported(tmp_path, text) == text


def test_the_chart_names_every_bar_and_its_value_and_loads_nothing(tmp_path: Path) -> None:
    result(12_345).publish(tmp_path / "sockets.json")
    reported(tmp_path, DOCUMENT)
    drawing = (tmp_path / "performance-sockets.svg").read_text()
    for text in ("our door", "12,345", "nginx", "49,380", "prefers-color-scheme"):
        assert text in drawing
    assert "<script" not in drawing
    assert "@import" not in drawing


def test_what_was_not_measured_or_has_no_place_stays_as_it_is(tmp_path: Path) -> None:
    assert reported(tmp_path, DOCUMENT) == DOCUMENT
    result(1).publish(tmp_path / "sockets.json")
    assert reported(tmp_path, "No place.\n") == "No place.\n"
    (tmp_path / "sockets.json").write_text("{}")
    assert reported(tmp_path, DOCUMENT) == DOCUMENT


def test_the_document_has_a_place_for_every_benchmark() -> None:
    text = (ROOT / "docs" / "performance.md").read_text()
    for name in NAMES:
        assert text.count(f"<!-- {name} -->\n") == text.count(f"<!-- end of {name} -->\n") == 1
    makefile = (ROOT / "Makefile").read_text()
    assert {f"--json var/bench/{name}.json" in makefile for name in NAMES} == {True}
