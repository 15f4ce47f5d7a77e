"""A change in one process is heard of in another, whatever becomes of the push."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from benchmarks.servers import free_port, postgresql, redis

ROOT = Path(__file__).resolve().parent.parent
TID = "11111111-1111-4111-8111-111111111111"
PATIENCE = 30.0
# So seldom that a test which waits for it fails: only a push is in time.
SELDOM = "3600"

# A new store, in one process: most of the time is its start.
SET_UP = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("add_tenant", "contoso", TID, reason="A new customer", verbosity=0)
""".replace("TID", repr(TID))
# Keeps refreshing, and for each line says how often it has read and what it holds.
WORKER = """
import json, os, sys
import django
django.setup()
from django.conf import settings
from django.test.utils import override_settings
from redirection import switches
override_settings(REDIRECTION_REFRESH=float(os.environ["SECONDS"])).enable()
switches.start()
for line in sys.stdin:
    held = switches.held()
    tenant = held.by_name.get("contoso")
    print(json.dumps([held.revision, tenant is not None and tenant.on]), flush=True)
"""
# Switches contoso with every line, and says the revision.
OPERATOR = """
import sys
import django
django.setup()
from redirection.models import Tenant
tenant = Tenant.objects.get(name="contoso")
for line in sys.stdin:
    wanted = "off" if tenant.is_on else "on"
    change = tenant.switch_redirection(
        wanted, reason_kind="trial", reason="x", channel="command", operator="a test"
    )
    print(change.revision, flush=True)
"""

Ask = Callable[[], str]
Environment = dict[str, str]


@contextmanager
def program(environment: Environment, text: str) -> Iterator[Ask]:
    """A process, asked for a line at a time."""
    process = subprocess.Popen(
        [sys.executable, "-c", text],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    commands, answers = process.stdin, process.stdout

    def ask() -> str:
        commands.write("\n")
        commands.flush()
        return answers.readline()

    try:
        yield ask
    finally:
        commands.close()
        answers.close()
        try:
            # A store or a Redis that hangs does not keep it from ending.
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


class Portal:
    """A worker, and an operator in a process of their own."""

    def __init__(self, stack: ExitStack, environment: Environment) -> None:
        self.switch = stack.enter_context(program(environment, OPERATOR))
        self.held = stack.enter_context(program(environment, WORKER))

    def a_change_arrives(self) -> None:
        revision = int(self.switch())
        until = time.monotonic() + PATIENCE
        while (found := json.loads(self.held()))[0] < revision:
            assert time.monotonic() < until, (revision, found)
            time.sleep(0.005)
        # The first of them switches on.
        assert found == [revision, revision % 2 == 0]


def with_contoso(folder: Path, **variables: str) -> Environment:
    """The environment of a portal with one tenant."""
    (folder / "static").mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "a-secret-key-that-is-known-to-everybody-who-reads-the-tests",
        "DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite3'}",
        "STATIC_ROOT": str(folder / "static"),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "LOG_LEVEL": "ERROR",
        "SECONDS": SELDOM,
        **variables,
    }
    subprocess.run(
        [sys.executable, "-c", SET_UP],
        cwd=ROOT,
        env=environment,
        check=True,
        timeout=60,
        stdout=subprocess.DEVNULL,
    )
    return environment


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return with_contoso(tmp_path_factory.mktemp("spreading"))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_on_sqlite_a_worker_looks_by_itself(stack: ExitStack, sqlite: Environment) -> None:
    portal = Portal(stack, sqlite)
    for _ in range(5):
        portal.a_change_arrives()


def test_postgresql_tells_and_a_listener_cut_off_listens_again(
    stack: ExitStack, tmp_path: Path
) -> None:
    import psycopg

    address = stack.enter_context(postgresql())
    portal = Portal(stack, with_contoso(tmp_path, DATABASE_URL=address))
    for _ in range(5):
        portal.a_change_arrives()
    with psycopg.connect(address, autocommit=True) as operator:
        # Whoever has changed the tenant has committed last.
        cut = operator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE state = 'idle' AND query NOT LIKE 'COMMIT%'"
        ).fetchall()
    assert cut
    portal.a_change_arrives()


def test_redis_tells_and_nobody_need_ask(stack: ExitStack, sqlite: Environment) -> None:
    address, _ = stack.enter_context(redis())
    portal = Portal(stack, sqlite | {"REDIS_URL": address})
    for _ in range(5):
        portal.a_change_arrives()


def test_a_redis_that_hangs_or_is_gone_loses_no_change(
    stack: ExitStack, sqlite: Environment
) -> None:
    port = free_port()
    with redis(port) as (address, process):
        portal = Portal(stack, sqlite | {"REDIS_URL": address, "SECONDS": "0.3"})
        portal.a_change_arrives()
        os.kill(process.pid, signal.SIGSTOP)
        for _ in range(2):
            portal.a_change_arrives()
        os.kill(process.pid, signal.SIGCONT)
        portal.a_change_arrives()
    portal.a_change_arrives()
    with redis(port):
        portal.a_change_arrives()


@pytest.mark.long
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_a_redis_that_comes_and_goes_loses_none_of_very_many(
    store: str, stack: ExitStack, tmp_path: Path
) -> None:
    port = free_port()
    kept = {"REDIS_URL": f"redis://127.0.0.1:{port}/0", "SECONDS": "0.3"}
    if store == "postgresql":
        kept["DATABASE_URL"] = stack.enter_context(postgresql())
    portal = Portal(stack, with_contoso(tmp_path, **kept))
    for number in range(20):
        with redis(port) as (_, process):
            portal.a_change_arrives()
            if number % 2:
                os.kill(process.pid, signal.SIGSTOP)
            portal.a_change_arrives()
            os.kill(process.pid, signal.SIGCONT)
        portal.a_change_arrives()


@pytest.mark.long
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_very_many_changes_arrive_without_anybody_asking(
    store: str, stack: ExitStack, tmp_path: Path
) -> None:
    kept = {"DATABASE_URL": stack.enter_context(postgresql())} if store == "postgresql" else {}
    portal = Portal(stack, with_contoso(tmp_path, **kept))
    for _ in range(500):
        portal.a_change_arrives()
