"""Both stores keep the order of changes, and say in one answer what their rows say."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TID = "11111111-1111-4111-8111-111111111111"
ROUNDS = 20

Manage = Callable[..., "subprocess.Popen[str]"]

SWITCH_BACK_AND_FORTH = f"""
from django.core.management import call_command
for round in range({ROUNDS}):
    wanted = "off" if round % 2 else "on"
    words = ("contoso", wanted, "--kind", "trial", "--reason", f"round {{round}}")
    call_command("switch_redirection", *words)
"""
HISTORY = """
import json
from redirection.models import Change, Revision, Tenant
rows = list(Change.objects.order_by("revision").values_list("revision", "what", "before", "after"))
tenant = Tenant.objects.get()
print(json.dumps([rows, Revision.latest(), tenant.setting, tenant.revision]))
"""
# Says which tenants are held otherwise than their rows say, and leaves nothing behind.
READ_TOGETHER = """
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from django.db import transaction
from redirection import tenant_columns
from redirection.models import Tenant
tenant_columns.PACK_FROM, tenant_columns._ROWS = 0, 70
moments = [datetime(1999, 12, 31, tzinfo=UTC) + number * timedelta(days=13, milliseconds=7)
    for number in range(800)]
moments += [datetime(2026, 11, 1, tzinfo=UTC) + number * timedelta(hours=1, microseconds=333)
    for number in range(800)]
with transaction.atomic():
    Tenant.objects.bulk_create(
        Tenant(tid=uuid4(), name=f"tenant-{number}", title="A tenant", since=moment,
            revision=number * 2**22, allow_step_back=number % 3 == 0, enabled=number % 200 < 100,
            step_back_since=None if number % 2 else moment, setting="on" if number % 5 else "off")
        for number, moment in enumerate(moments)
    )
    wanted = {row.as_held() for row in Tenant.objects.filter(enabled=True)}
    print(len(wanted), wanted.symmetric_difference(tenant_columns.read_tenants()))
    transaction.set_rollback(True)
"""


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL server of our own, gone afterwards."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.fail("Debian's postgresql is not installed; make test installs it.")
    binaries = programs[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [*as_user, str(binaries / program), "--pgdata", str(data), *arguments],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )

    options = f"-c listen_addresses=127.0.0.1 -c fsync=off -p {port} -k {folder}"
    try:
        run("initdb", "--username=portal", "--auth=trust", "--encoding=UTF8", "--locale=C")
        run("pg_ctl", "start", "--wait", "--silent", "-l", str(folder / "log"), "-o", options)
        try:
            yield f"postgresql://portal@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "stop", "--silent", "--mode=immediate")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql"))
    return f"sqlite:///{tmp_path / 'portal.sqlite3'}"


@pytest.fixture
def manage(store: str) -> Manage:
    """Starts a command of the site in a process of its own: ``manage("migrate")``."""

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "ENV_FILE": os.devnull,
                "SECRET_KEY": "a-secret-key-that-is-known-to-everybody-who-reads-the-tests",
                "DATABASE_URL": store,
                "LOG_LEVEL": "ERROR",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def output(process: subprocess.Popen[str]) -> str:
    """What the process said; it must have succeeded without a complaint."""
    said, complained = process.communicate(timeout=60)
    assert (process.returncode, complained) == (0, "")
    return said


def test_two_processes_that_switch_at_once_leave_one_history_without_gaps(manage: Manage) -> None:
    output(manage("migrate", "--verbosity=0"))
    output(manage("add_tenant", "contoso", TID, "--reason", "A new customer"))

    both = [manage("shell", "--verbosity=0", "-c", SWITCH_BACK_AND_FORTH) for _ in range(2)]
    said = [line for process in both for line in output(process).splitlines()]

    rows, latest, setting, revision = json.loads(
        output(manage("shell", "--verbosity=0", "-c", HISTORY))
    )
    assert len(said) == 2 * ROUNDS
    assert [row[0] for row in rows] == list(range(1, latest + 1))
    settings = rows[1:]
    assert len(settings) == sum("already" not in line for line in said)
    # Each change starts from what the one before it left behind.
    assert [row[2] for row in settings] == ["not_set", *(row[3] for row in settings[:-1])]
    assert (setting, revision) == (settings[-1][3], latest)


def test_what_a_store_puts_together_is_what_its_rows_say(manage: Manage) -> None:
    output(manage("migrate", "--verbosity=0"))
    said = output(manage("shell", "--verbosity=0", "-c", READ_TOGETHER))
    number, others = said.split(maxsplit=1)
    assert int(number) >= 800
    assert others == "set()\n"
