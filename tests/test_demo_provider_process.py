"""The demo starts with one command, keeps its data, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from portal.demo import directory as folder, environment
from portal.demo.environment import MARKER
from portal.demo.errors import DemoError
from tests.demo_process import ROOT, free_port, printed_until_ready, start


def variables(directory: Path) -> dict[str, str]:
    lines = (directory / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def rows(directory: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(directory / "portal.sqlite3") as store:
        return store.execute(query).fetchall()


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_it_starts_keeps_its_data_and_ends(tmp_path: Path) -> None:
    directory, port = tmp_path / "demo", free_port()
    first = start("--port", str(port), "--directory", str(directory))
    text = printed_until_ready(first)
    before = variables(directory)

    assert text.count("Ready.") == 1
    assert f"http://contoso.portal.localhost:{port}/" in text
    assert before["DEMO_OPERATOR_PASSWORD"] in text

    # From another shell, while it runs; and nobody else may start in the same folder.
    subprocess.run(
        [
            sys.executable,
            "manage.py",
            "switch_redirection",
            "contoso",
            "on",
            "--kind",
            "trial",
            "--reason",
            "Test",
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "ENV_FILE": str(directory / ".env"),
            "DJANGO_SETTINGS_MODULE": "portal.settings",
        },
        check=True,
        capture_output=True,
    )
    second = start("--port", str(free_port()), "--directory", str(directory))
    _, errors = second.communicate(timeout=20)
    assert (second.returncode, errors.count("\n")) == (2, 1)
    assert "already runs" in errors

    # Somebody impatient presses Ctrl+C again and again.
    for _ in range(20):
        first.send_signal(signal.SIGINT)
    _, errors = first.communicate(timeout=20)
    assert (first.returncode, errors) == (0, "")
    assert is_free(port)
    assert is_free(port + 1)

    port = free_port()
    again = start("--port", str(port), "--directory", str(directory))
    assert f"http://security.localhost:{port}/" in printed_until_ready(again)
    again.terminate()
    again.communicate(timeout=20)

    after = variables(directory)
    assert again.returncode == 0
    assert rows(directory, "select setting from redirection_tenant order by name")[0] == ("on",)
    assert rows(directory, "select count(*) from redirection_localrole") == [(16,)]
    assert after["SECRET_KEY"] == before["SECRET_KEY"]
    assert after["ENTRA_AUTHORITY"] == f"http://127.0.0.1:{port + 1}"
    assert stat.S_IMODE((directory / ".env").stat().st_mode) == 0o600

    reset = start("--reset", "--directory", str(directory))
    reset.communicate(timeout=20)
    assert reset.returncode == 0
    assert not directory.exists()


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start("--port", str(port), "--directory", str(tmp_path / "demo"))
        output, errors = process.communicate(timeout=20)

    assert (process.returncode, output, errors.count("\n")) == (2, "", 1)
    assert f"Port {port} cannot be used" in errors
    assert not (tmp_path / "demo").exists()


def test_a_wrong_variable_is_named_and_ends_it(tmp_path: Path) -> None:
    process = start(
        "--port", str(free_port()), "--directory", str(tmp_path), REDIRECTION_SESSION_IDLE="soon"
    )
    output, errors = process.communicate(timeout=30)

    assert (process.returncode, output) == (1, "")
    assert "REDIRECTION_SESSION_IDLE='soon' is not accepted" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("port", ["0", "65535", "eighty"])
def test_a_port_that_cannot_be_is_refused(port: str, tmp_path: Path) -> None:
    process = start("--port", port, "--directory", str(tmp_path))
    _, errors = process.communicate(timeout=20)

    assert process.returncode == 2
    assert "choose a port from 1 to 65534" in errors


def test_somebody_elses_environment_file_stays(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SECRET_KEY=mine\n")

    with pytest.raises(DemoError, match="was not written by the demo"):
        environment.write(tmp_path, 8000)

    folder.reset(tmp_path)
    assert (tmp_path / ".env").read_text() == "SECRET_KEY=mine\n"


def test_lines_somebody_added_stay(tmp_path: Path) -> None:
    environment.write(tmp_path, 8000)
    with (tmp_path / ".env").open("a") as file:
        file.write("REDIRECTION_SESSION_IDLE=30\n")
    environment.write(tmp_path, 9000)

    text = (tmp_path / ".env").read_text()
    assert text.startswith(MARKER)
    assert "REDIRECTION_SESSION_IDLE=30\n" in text
    assert "http://127.0.0.1:9001" in text


def test_reset_removes_nothing_of_others(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    environment.write(tmp_path, 8000)
    folder.write_signing_key(tmp_path)
    folder.reset(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
