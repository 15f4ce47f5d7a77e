"""Receipts of real workers: a change reaches all, and one that hangs or dies is not applied."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from tests.demo_process import ROOT, free_port

TID = "11111111-1111-4111-8111-111111111111"
WORKERS = 4
PATIENCE = 20.0

# Begins without receipts; for each line it switches, or not, and prints what the receipts say.
OPERATOR = """
import json, sys
from django.core.management import call_command
from redirection.models import Receipt, Tenant
Receipt.objects.all().delete()
for line in sys.stdin:
    if line.strip():
        wanted = "off" if Tenant.objects.get().is_on else "on"
        words = ("--kind", "trial", "--reason", "The test asks for it", "--verbosity=0")
        call_command("switch_redirection", "contoso", wanted, *words, stdout=sys.stderr)
    found = Receipt.objects.delivery(Tenant.objects.get())
    pids = {receipt.name: receipt.pid for receipt in Receipt.objects.all()}
    workers = {pids[worker.name]: [worker.state, worker.lag] for worker in found.workers}
    print(json.dumps([found.is_complete, found.applied, found.expected, workers]), flush=True)
"""
FORKING = """
import os, time
from django.db import connections
from redirection import reports, switches
from redirection.models import Receipt
def wait_for(pids):
    until = time.monotonic() + 20
    while set(Receipt.objects.values_list("pid", flat=True)) != pids:
        assert time.monotonic() < until
        time.sleep(0.02)
switches.start()
reports.start()
parent = os.getpid()
wait_for({parent})
# A connection to the store is never shared with a child.
connections.close_all()
child = os.fork()
if child == 0:
    # As in a crash: nothing gets the chance to say good-bye.
    wait_for({parent, os.getpid()})
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
wait_for({parent, child})
print(child)
"""

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A portal with one tenant."""
    folder = tmp_path_factory.mktemp("workers")
    (folder / "static").mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "a-secret-key-that-is-known-to-everybody-who-reads-the-tests",
        "DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite3'}",
        "STATIC_ROOT": str(folder / "static"),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "LOG_LEVEL": "ERROR",
    }
    manage(environment, "migrate", "--verbosity=0")
    manage(environment, "add_tenant", "contoso", TID, "--reason", "A new customer")
    return environment


def manage(environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def ask(environment: dict[str, str]) -> Iterator[Ask]:
    """What the receipts say: ``ask()``, or ``ask("switch")`` after a switch by command."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "--verbosity=0", "-c", OPERATOR],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    commands, answers = process.stdin, process.stdout

    def ask(command: str = "") -> Any:
        commands.write(f"{command}\n")
        commands.flush()
        complete, applied, expected, workers = json.loads(answers.readline())
        return complete, applied, expected, {int(pid): found for pid, found in workers.items()}

    yield ask
    commands.close()
    process.wait(PATIENCE)
    answers.close()


@contextmanager
def served(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
            *("--port", str(free_port()), "--workers", str(WORKERS), "--blocking-threads", "1"),
            *("--no-ws", "--respawn-failed-workers", "--log-level", "critical"),
            "portal.wsgi:application",
        ],
        cwd=ROOT,
        env=environment,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


def wait_until(ask: Ask, is_so: Callable[..., bool], seconds: float) -> Any:
    """The receipts, as soon as they are so."""
    until = time.monotonic() + seconds
    while not is_so(*(found := ask())):
        assert time.monotonic() < until, found
        time.sleep(0.05)
    return found


def test_a_change_reaches_all_workers_and_none_is_believed_that_cannot_say_so(
    environment: dict[str, str], ask: Ask
) -> None:
    with served(environment) as server:
        *_, workers = wait_until(
            ask, lambda complete, applied, *_: complete and applied == WORKERS, PATIENCE
        )

        ask("switch")
        _, applied, expected, found = wait_until(ask, lambda complete, *_: complete, 5)
        assert (applied, expected) == (WORKERS, WORKERS)
        assert all(lag is not None and 0 <= lag < 5 for _, lag in found.values())

        hung, dead, *_ = sorted(workers)
        os.kill(hung, signal.SIGSTOP)
        os.kill(dead, signal.SIGKILL)
        complete, *_, found = ask("switch")
        assert not complete
        assert {found[hung][0], found[dead][0]} == {"pending"}
        wait_until(
            ask,
            lambda *found: found[3][hung][0] == found[3][dead][0] == "stale",
            10,
        )
        complete, *_, found = ask()
        assert not complete
        assert [pid for pid, (state, _) in found.items() if state == "applied"]

        os.kill(hung, signal.SIGCONT)
        *_, found = wait_until(ask, lambda *found: found[3][hung][0] == "applied", 5)
        assert found[dead][0] == "stale"

        # Whoever ends as asked to leaves no receipt; whoever was killed could not take it along.
        server.terminate()
        server.wait(PATIENCE)
        assert list(ask()[3]) == [dead]


def test_a_child_is_a_worker_of_its_own_and_an_end_is_told_from_a_crash(
    environment: dict[str, str], ask: Ask
) -> None:
    assert list(ask()[3]) == []
    child = int(manage(environment, "shell", "--verbosity=0", "-c", FORKING))
    assert list(ask()[3]) == [child]


def test_a_command_leaves_no_receipt(environment: dict[str, str], ask: Ask) -> None:
    before = set(ask()[3])
    manage(environment, "check")
    assert set(ask("switch")[3]) == before
