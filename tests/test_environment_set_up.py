"""What make needs of the machine it installs, or says in one line what is missing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

Program = Callable[[str, str], None]
SetUp = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Puts a program in front of the machine's own: ``program("id", "echo 0")``."""
    (tmp_path / "bin").mkdir()

    def put(name: str, script: str) -> None:
        file = tmp_path / "bin" / name
        file.write_text(f"#!/bin/bash\n{script}\n")
        file.chmod(0o755)

    return put


@pytest.fixture
def set_up(tmp_path: Path, program: Program) -> SetUp:
    """Runs a script of ``.ci`` in a copy of the project that has nothing installed."""
    shutil.copytree(ROOT / ".ci", tmp_path / "project" / ".ci")
    (tmp_path / "project" / "requirements-dev.txt").touch()
    # No test may install anything on this machine.
    program("apt-get", "exit 1")
    program("sudo", "exit 1")

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [f".ci/{command[0]}", *command[1:]],
            cwd=tmp_path / "project",
            env={"PATH": f"{tmp_path / 'bin'}:/usr/local/bin:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_what_is_there_is_not_installed(set_up: SetUp, program: Program) -> None:
    program("chromium", "")
    result = set_up("debian-packages", "chromium")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_root_installs_what_is_missing_and_shows_one_line(
    set_up: SetUp, program: Program, tmp_path: Path
) -> None:
    program("id", "echo 0")
    program("apt-get", f'echo noise; echo "$@" >>{tmp_path / "asked"}')
    result = set_up("debian-packages", "no-such-package")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[0].endswith("update")
    assert asked[1].endswith("install no-such-package")


def test_without_root_or_sudo_one_line_says_what_to_install(
    set_up: SetUp, program: Program
) -> None:
    program("id", "echo 1000")
    result = set_up("debian-packages", "no-such-package")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "Missing: no-such-package. Install with: sudo apt-get install no-such-package\n"
    )


def test_a_failed_installation_shows_why(set_up: SetUp, program: Program) -> None:
    program("id", "echo 0")
    program("apt-get", 'echo "E: No network" >&2; exit 100')
    result = set_up("debian-packages", "no-such-package")
    assert result.returncode == 1
    assert result.stderr.startswith("E: No network\nMissing: no-such-package.")


def test_an_old_python_is_refused_with_one_line(set_up: SetUp, program: Program) -> None:
    for name in ("python3.11", "python3"):
        program(name, "exit 1")
    result = set_up("environment")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "Python 3.11 or newer is needed, as python3.\n"


def test_a_python_without_venv_says_which_package_it_needs(set_up: SetUp, program: Program) -> None:
    program("id", "echo 1000")
    for name in ("python3.11", "python3"):
        program(name, 'case "$*" in *ensurepip*) exit 1 ;; --version) echo Python 3.11 ;; esac')
    result = set_up("environment")
    assert result.returncode == 1
    assert result.stderr == (
        "Missing: python3-venv. Install with: sudo apt-get install python3-venv\n"
    )


def test_packages_are_installed_once_for_one_lock(
    set_up: SetUp, program: Program, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    make_venv = (
        'mkdir -p .venv/bin; printf "#!/bin/bash\\necho \\"\\$@\\" >>'
        f'{asked}\\n" >.venv/bin/python; chmod +x .venv/bin/python'
    )
    for name in ("python3.11", "python3"):
        program(
            name,
            f'case "$*" in "-m venv .venv") {make_venv} ;; --version) echo Python 3.11 ;; esac',
        )
    first, second = set_up("environment"), set_up("environment")
    assert (first.returncode, first.stderr) == (0, "")
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    (tmp_path / "project" / "requirements-dev.txt").write_text("# another lock\n")
    assert set_up("environment").returncode == 0
    installations = [line for line in asked.read_text().splitlines() if "pip install" in line]
    assert len(installations) == 2
    assert all("--require-hashes" in line for line in installations)
