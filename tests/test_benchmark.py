"""The benchmark measures what it says, so a change of the decision cannot leave it behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
    assert len(rows) == 6
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
    for name in ("Import of", "Hold:", "Memory of 300 rules", "exact ", "prefix ", "pattern "):
        assert any(line.startswith(name) for line in result.stdout.splitlines()), name


def test_too_few_tenants_for_never_the_same_twice_are_refused() -> None:
    result = benchmark("--tenants=10", module="benchmarks.instructions")
    assert result.returncode == 2
    assert "tenants are needed" in result.stderr


def test_the_tenants_are_read_by_as_many_as_asked_for_and_looked_up() -> None:
    result = benchmark("--tenants=6000", "--workers=2", module="benchmarks.tenants")
    assert (result.returncode, result.stderr) == (0, "")
    assert "6,000 tenants, 2 at once" in result.stdout
    assert "bytes a tenant" in result.stdout
