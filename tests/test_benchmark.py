"""The benchmark measures what it says, so a change of the decision cannot leave it behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.results import read

ROOT = Path(__file__).resolve().parent.parent


def benchmark(
    *arguments: str, module: str = "benchmarks.decision"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_every_contender_is_compared_with_the_floor_and_asks_no_store() -> None:
    result = benchmark("--rounds=2", "--requests=5", "--tenants=10")
    assert (result.returncode, result.stderr) == (0, "")
    rows = [line for line in result.stdout.splitlines() if line.startswith(("redirect,", "let "))]
    assert len(rows) == 6, result.stdout
    doors = [line for line in result.stdout.splitlines() if line.startswith("door: ")]
    assert len(doors) == 5
    assert "Queries: 0" in result.stdout


def test_a_run_that_would_say_nothing_is_refused() -> None:
    result = benchmark("--rounds=1")
    assert result.returncode == 2
    assert "at least 2 rounds" in result.stderr


def test_the_rules_are_imported_held_and_asked() -> None:
    result = benchmark("--rules=300", "--rounds=2", module="benchmarks.link_rules")
    assert (result.returncode, result.stderr) == (0, "")
    assert "300 added, 0 changed, 0 removed" in result.stdout
    for name in ("import of", "hold,", "memory of 300 rules", "exact ", "prefix ", "pattern "):
        assert any(line.startswith(name) for line in result.stdout.splitlines()), name


def test_too_few_tenants_for_never_the_same_twice_are_refused() -> None:
    result = benchmark("--tenants=10", module="benchmarks.instructions")
    assert result.returncode == 2
    assert "tenants are needed" in result.stderr


def test_the_tenants_are_read_by_as_many_as_asked_for_and_looked_up() -> None:
    result = benchmark("--tenants=6000", "--workers=2", module="benchmarks.tenants")
    assert (result.returncode, result.stderr) == (0, "")
    assert "6,000 tenants" in result.stdout
    assert "2 at once" in result.stdout
    assert "bytes a tenant" in result.stdout


def test_contenders_take_turns_and_what_is_found_is_written_down(tmp_path: Path) -> None:
    file = tmp_path / "made" / "in-process.json"
    result = benchmark(
        *("--rounds=2", "--milliseconds=1", "--rules=20", "--tenants=2", f"--json={file}"),
        *("--only=plain:floor", "--only=ours:door", "--only=ours:decision"),
        module="benchmarks.in_process",
    )
    assert (result.returncode, result.stderr) == (0, "")
    found = read(file).numbers
    assert [row["name"] for row in found["requests"]] == [
        "floor: Django view without middleware, constant redirect",
        "our WSGI door, redirect; 10 rules, 1 tenant",
        "our WSGI door, redirect; 20 rules, 2 tenants",
    ]
    assert len(found["decisions"]) == 2
    assert found["requests"][0]["times"] == 1
    assert result.stdout.count("at most") == 2


@pytest.mark.long
def test_all_contenders_but_the_peers_are_ready_and_answer() -> None:
    small = ("--rounds=2", "--milliseconds=1", "--rules=20", "--tenants=40")
    result = benchmark(*small, "--peers=none", module="benchmarks.in_process")
    assert (result.returncode, result.stderr) == (0, "")
    missing = [line for line in result.stdout.splitlines() if line.startswith("Not compared")]
    assert len(missing) == 1
    assert "the peers are not installed" in missing[0]
    assert "PostgreSQL, kept open" in result.stdout


@pytest.mark.long
def test_all_servers_start_and_answer_as_they_should() -> None:
    result = benchmark("--rounds=0", "--peers=none", module="benchmarks.sockets")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "11 contenders answer.\n"
