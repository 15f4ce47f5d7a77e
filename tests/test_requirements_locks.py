"""What is installed is what was chosen, file by file, wherever it comes from."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKS = {
    "requirements.txt": [*PROJECT["dependencies"], *EXTRAS["site"], *EXTRAS["redis"]],
    "requirements-dev.txt": [*PROJECT["dependencies"], *chain(*EXTRAS.values())],
}
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)(\[[a-z0-9,-]+\])?==(?P<version>\S+)( ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def pins(lock: str) -> dict[str, tuple[str, int]]:
    """Version and number of hashes of each locked package. Every line must be one of the two."""
    found: dict[str, tuple[str, int]] = {}
    name = ""
    for line in (ROOT / lock).read_text().splitlines():
        if pin := PIN.match(line):
            name = pin["name"]
            found[name] = (pin["version"], 0)
        else:
            assert HASH.match(line), f"{lock}: {line!r} is neither a pin nor a hash"
            found[name] = (found[name][0], found[name][1] + 1)
    return found


def names(requirements: list[str]) -> set[str]:
    """The normalised names of requirements such as ``Psycopg[binary]>=3.2``."""
    matches = (re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in requirements)
    return {re.sub(r"[._-]+", "-", match[0]).lower() for match in matches if match}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_a_version_and_a_hash_and_no_address(lock: str) -> None:
    assert all(hashes for _, hashes in pins(lock).values())
    assert "://" not in (ROOT / lock).read_text()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_the_project_names_is_locked(lock: str) -> None:
    assert names(LOCKS[lock]) - set(pins(lock)) == set()


def test_tests_run_with_the_versions_that_are_installed_in_the_end() -> None:
    final, development = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {name: development.get(name) for name in final} == final


def test_no_package_is_named_twice() -> None:
    listed = list(chain(PROJECT["dependencies"], *EXTRAS.values()))
    assert len(names(listed)) == len(listed)


def test_what_a_package_wants_with_an_extra_is_locked_with_it() -> None:
    """Else pip takes the newest version for the extra, which the lock has no hashes of."""
    lock = (ROOT / "requirements-dev.txt").read_text()
    locked = {
        pin.split("[")[0]: set(pin.partition("[")[2].rstrip("]").split(","))
        for pin in re.findall(r"^([a-z0-9-]+(?:\[[a-z0-9,-]+\])?)==", lock, re.MULTILINE)
    }
    wanted = {
        (requirement.name.lower(), extra)
        for distribution in distributions()
        for requirement in map(Requirement, distribution.requires or [])
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        for extra in requirement.extras
    }
    assert ("coverage", "toml") in wanted
    assert {(name, extra) for name, extra in wanted if extra not in locked.get(name, ())} == set()
