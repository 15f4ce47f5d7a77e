"""The peers of the benchmarks: locked as all else, and missing without harm."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from benchmarks import peers
from benchmarks.contenders import DECISIONS, FLOOR, REQUESTS
from tests.test_benchmark import benchmark
from tests.test_requirements_locks import ROOT, names, pins

GROUP = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["peers"]


def test_every_peer_is_locked_with_hashes_and_without_an_address() -> None:
    locked = pins("requirements-peers.txt")
    assert names(GROUP) - set(locked) == set()
    assert all(hashes for _, hashes in locked.values())
    assert "://" not in (ROOT / "requirements-peers.txt").read_text()


def test_the_peers_run_on_the_same_django() -> None:
    assert pins("requirements-peers.txt")["django"] == pins("requirements.txt")["django"]


def test_what_brings_a_contender_is_among_the_peers() -> None:
    wanted = {contender.peer for contender in (*REQUESTS, *DECISIONS)} - {""}
    assert wanted | {"gunicorn"} == names(GROUP)


def test_without_an_environment_one_line_says_which_peers_are_missing(tmp_path: Path) -> None:
    result = benchmark(
        *("--rounds=2", "--milliseconds=1", "--only=plain:floor", "--only=flags:"),
        f"--peers={tmp_path}",
        module="benchmarks.in_process",
    )
    assert (result.returncode, result.stderr) == (0, "")
    [line] = [line for line in result.stdout.splitlines() if line.startswith("Not compared: ")]
    assert "the peers are not installed" in line
    for peer in ("django-waffle", "launchdarkly-server-sdk", "unleashclient"):
        assert peer in line
    assert FLOOR.name in result.stdout


def test_a_lock_that_is_not_there_stops_nothing(tmp_path: Path) -> None:
    result = benchmark(
        f"--peers={tmp_path / 'env'}", f"--lock={tmp_path / 'none'}", module="benchmarks.peers"
    )
    assert result.returncode == 0
    assert result.stderr.startswith("No peers are compared: ")


@pytest.mark.long
def test_a_package_that_cannot_be_had_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert "nothing-of-that-name" in peers.install(tmp_path / "env", _lock(tmp_path, True))
    assert peers.python(tmp_path / "env") is None
    # Tried again, for it may be had by now.
    assert peers.install(tmp_path / "env", _lock(tmp_path, False)) == ""
    assert peers.python(tmp_path / "env") == str(tmp_path / "env" / "bin" / "python")


def _lock(folder: Path, asks: bool) -> Path:
    lock = folder / "lock.txt"
    lock.write_text(f"nothing-of-that-name==1 --hash=sha256:{'0' * 64}\n" if asks else "")
    return lock
