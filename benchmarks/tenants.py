"""What very many tenants cost a worker: ``python -m benchmarks.tenants``.

A new SQLite store is filled; then as many processes as asked for read all tenants at once, as
workers do that start together. The first answer lets through: it waits for nobody.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import django

from benchmarks.results import Aim, Result, Table

ROOT = Path(__file__).resolve().parent.parent
FILL = """
INSERT INTO redirection_tenant
    (id, tid, name, title, cloud, enabled, stage, setting, since, revision, allow_step_back,
     step_back_minutes, step_back_since)
WITH RECURSIVE numbers(number) AS
    (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < %s)
SELECT number, lower(hex(randomblob(16))), 'tenant-' || number, 'Tenant ' || number, 'commercial',
    1, 'opt_in', CASE number %% 3 WHEN 0 THEN 'on' WHEN 1 THEN 'off' ELSE 'not_set' END,
    '2026-01-01 08:00:00.123456', number, number %% 5 = 0, 60,
    CASE number %% 5 WHEN 0 THEN '2026-01-01 08:00:00' END
FROM numbers
"""
COUNTER = """
INSERT INTO redirection_revision (id, number, token, trail) VALUES (1, %s, '0123456789abcdef', '[]')
"""

ROWS = {
    "imported": ("program imported, after s", 1),
    "held": ("all tenants held, after s", 1),
    "stall": ("longest stall of another thread, ms", 0),
    "stall99": ("stall of another thread, 99 %, ms", 1),
    "bytes": ("resident growth, bytes a tenant", 0),
    "look_up": ("look-up of a tenant not remembered, us", 1),
    "remembered": ("look-up of one that is, us", 2),
    "change": ("one change taken over, ms", 2),
}
# What is promised, for so many tenants.
AIMED_AT = 1_000_000
AIMS = {"held": 5, "stall": 50, "bytes": 100}
EXPLANATION = """\
The worst of all workers. A stall: how much later than asked for another thread of the same worker
had its turn while the tenants were read."""


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "SECRET_KEY": "a-secret-key-that-is-known-to-everybody-who-reads-the-benchmarks",
            "DATABASE_URL": f"sqlite:///{folder}/portal.sqlite3",
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "LOG_LEVEL": "ERROR",
        }
        _ask(environment, "fill", arguments.tenants)
        rows: dict[str, list[str]] = {}
        numbers, aims = {}, []
        for workers in arguments.workers:
            started = [_start(environment, "read", arguments.tenants) for _ in range(workers)]
            found = [json.loads(process.communicate()[0]) for process in started]
            worst = {name: max(one[name] for one in found) for name in found[0]}
            for name, (text, digits) in ROWS.items():
                rows.setdefault(name, [text]).append(f"{worst[name]:.{digits}f}")
            numbers[f"{workers} at once"] = worst
            aims += [
                Aim(f"{workers} at once: {ROWS[name][0]}", wanted, worst[name], at_least=False)
                for name, wanted in AIMS.items()
                if arguments.tenants >= AIMED_AT
            ]
    table = Table(("", *(f"{workers} at once" for workers in arguments.workers)))
    table.rows = list(rows.values())
    method = f"{arguments.tenants:,} tenants read from SQLite by workers that start together"
    Result(method, [table], EXPLANATION, numbers, aims).publish(arguments.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What very many tenants cost a worker.")
    parser.add_argument("--tenants", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, action="append", help="how many start at once")
    parser.add_argument("--json", type=Path, help="file for the results")
    arguments = parser.parse_args()
    arguments.workers = arguments.workers or [1, 4]
    if arguments.tenants < 1000 or min(arguments.workers) < 1:
        parser.error("at least 1,000 tenants and 1 worker are needed")
    return arguments


def _start(environment: dict[str, str], role: str, tenants: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.tenants", role, str(tenants)]
    return subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )


def _ask(environment: dict[str, str], role: str, tenants: int) -> str:
    return _start(environment, role, tenants).communicate()[0]


def _fill(tenants: int) -> None:
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(FILL, [tenants])
        cursor.execute(COUNTER, [tenants])


def _read(tenants: int, began: float) -> dict[str, Any]:
    """Seconds, milliseconds, bytes and microseconds of one worker."""
    from redirection import switches
    from redirection.models import Revision, Tenant

    Revision.newest()
    some = list(Tenant.objects.order_by("id")[tenants // 2 : tenants // 2 + 500])
    gc.collect()
    gaps: list[float] = []
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=[gaps, ended])
    imported, before = time.perf_counter() - began, _resident()
    watcher.start()
    start = time.perf_counter()
    switches.refresh()
    held = time.perf_counter() - start
    ended.set()
    watcher.join()
    grown = _resident() - before
    picture = switches.held()
    if len(some) and picture.by_name[some[0].name] != some[0].as_held():
        raise SystemExit("What is held is not what the store says.")
    look_up = _microseconds(lambda row: picture.by_name.get(row.name), some)
    remembered = _microseconds(lambda row: picture.by_name.get(row.name), some)
    told = [(row.as_held(), True) for row in some]
    change = _microseconds(lambda one: picture.with_changes(tenants + 1, [one]), told) / 1000
    return {
        "imported": imported,
        "held": imported + held,
        "stall": 1000 * max(gaps),
        "stall99": 1000 * sorted(gaps)[len(gaps) * 99 // 100],
        "bytes": grown / tenants,
        "look_up": look_up,
        "remembered": remembered,
        "change": change,
    }


def _watch(gaps: list[float], ended: threading.Event) -> None:
    last = time.perf_counter()
    while not ended.is_set():
        time.sleep(0.001)
        now = time.perf_counter()
        gaps.append(now - last - 0.001)
        last = now


def _microseconds(ask: Any, things: list[Any]) -> float:
    start = time.perf_counter()
    for thing in things:
        ask(thing)
    return (time.perf_counter() - start) / len(things) * 1e6


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    if sys.argv[1:2] in (["fill"], ["read"]):
        started = time.perf_counter()
        django.setup()
        if sys.argv[1] == "fill":
            _fill(int(sys.argv[2]))
        else:
            print(json.dumps(_read(int(sys.argv[2]), started)))
    else:
        main()
