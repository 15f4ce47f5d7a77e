"""How long a committed change takes to another process: ``python -m benchmarks.spreading``.

Workers answer requests; another process commits changes of a setting. The time runs from the
moment its commit has returned to the first request a worker answers by that change, in each
worker. Push, polling, and polling where the push is lost, one after another.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles

from benchmarks.results import Aim, Result, Table
from benchmarks.servers import postgresql, redis
from benchmarks.spreading_worker import TID

ROOT = Path(__file__).resolve().parent.parent
MODULE = "benchmarks.spreading_worker"

EXPLANATION = """\
From the moment the commit has returned to the first request that a worker answers by the change, in
each worker. Lost: changes that a worker never answered by."""

Environment = dict[str, str]
Disturb = Callable[[], None]


def main() -> None:
    arguments = _arguments()
    table = Table(("milliseconds", "median", "99 %", "longest", "lost"))
    numbers, aims = {}, []
    for name in arguments.only or CONTENDERS:
        print(f"Measuring: {name}", file=sys.stderr, flush=True)
        found = measured(
            name, arguments.workers, arguments.changes, arguments.busy, arguments.pause
        )
        late = sorted(1000 * late for late in found if late is not None)
        numbers[name] = {
            "median": median(late),
            "p99": quantiles(late, n=100, method="inclusive")[-1],
            "longest": late[-1],
            "lost": found.count(None),
        }
        half, most, longest, lost = numbers[name].values()
        table.rows.append((name, f"{half:.1f}", f"{most:.1f}", f"{longest:.1f}", f"{lost}"))
        which, wanted = ("p99", _AIMS[name]) if name in _AIMS else ("longest", _NEVER_MORE)
        aims.append(Aim(f"{name}: {which}, ms", wanted, numbers[name][which], at_least=False))
    Result(
        f"{arguments.changes} changes in one process, seen in {arguments.workers} workers that are "
        f"busy {arguments.busy:.0%} of the time",
        [table],
        EXPLANATION,
        numbers,
        aims,
    ).publish(arguments.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How long a change takes to another process.")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--changes", type=int, default=300)
    parser.add_argument("--busy", type=float, default=0.3, help="share of the time (0 to 1)")
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two changes")
    parser.add_argument("--only", action="append", choices=CONTENDERS, help="one of them")
    parser.add_argument("--json", type=Path, help="file for the results")
    arguments = parser.parse_args()
    if arguments.workers < 1 or arguments.changes < 2 or not 0 < arguments.busy <= 1:
        parser.error("at least 1 worker and 2 changes are needed, and 0 < busy <= 1")
    return arguments


def measured(
    name: str, workers: int, changes: int, busy: float, pause: float
) -> list[float | None]:
    """For each change and worker, the seconds until it served it; None: never."""
    with ExitStack() as stack:
        environment, disturb = stack.enter_context(CONTENDERS[name]())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        (Path(folder) / "static").mkdir()
        environment = {
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "SECRET_KEY": "a-secret-key-that-is-known-to-everybody-who-reads-the-benchmarks",
            "LOG_LEVEL": "ERROR",
            "DATABASE_URL": f"sqlite:///{folder}/portal.sqlite3",
            "STATIC_ROOT": f"{folder}/static",
            **environment,
        }
        _manage(environment, "migrate", "--verbosity=0")
        _manage(environment, "add_tenant", "contoso", TID, "--reason", "A new customer")
        started = [_start(environment, "worker", str(busy)) for _ in range(workers)]
        for worker in started:
            # Its first line says that it is ready.
            next(iter(worker.stdout or []))
        time.sleep(1)
        disturbing = threading.Event()
        thread = threading.Thread(target=_repeat, args=[disturb, disturbing])
        thread.start()
        changer = _start(environment, "changer", str(changes), str(pause))
        committed = _lines(changer.communicate()[0])
        disturbing.set()
        thread.join()
        # What is polled for every so often must have come, too.
        time.sleep(5)
        served = [_lines(worker.communicate()[0]) for worker in started]
    return [
        next((max(0.0, seen - moment) for at, seen in lines if at >= revision), None)
        for revision, moment in committed
        for lines in served
    ]


def _repeat(disturb: Disturb, ended: threading.Event) -> None:
    while not ended.wait(0.5):
        disturb()


def _nothing() -> None:
    """All goes well."""


@contextmanager
def _sqlite() -> Iterator[tuple[Environment, Disturb]]:
    yield {}, _nothing


@contextmanager
def _sqlite_and_redis() -> Iterator[tuple[Environment, Disturb]]:
    with redis() as (address, _):
        yield {"REDIS_URL": address}, _nothing


@contextmanager
def _postgresql() -> Iterator[tuple[Environment, Disturb]]:
    with postgresql() as address:
        yield {"DATABASE_URL": address}, _nothing


@contextmanager
def _postgresql_and_redis() -> Iterator[tuple[Environment, Disturb]]:
    with postgresql() as store, redis() as (address, _):
        yield {"DATABASE_URL": store, "REDIS_URL": address}, _nothing


@contextmanager
def _redis_is_killed() -> Iterator[tuple[Environment, Disturb]]:
    with postgresql() as store, redis() as (address, process):
        yield {"DATABASE_URL": store, "REDIS_URL": address}, process.kill


@contextmanager
def _redis_hangs() -> Iterator[tuple[Environment, Disturb]]:
    with postgresql() as store, redis() as (address, process):

        def stop() -> None:
            os.kill(process.pid, signal.SIGSTOP)

        yield {"DATABASE_URL": store, "REDIS_URL": address}, stop


@contextmanager
def _listeners_are_cut_off() -> Iterator[tuple[Environment, Disturb]]:
    """Twice a second the server ends the connection of every worker that listens."""
    import psycopg

    with postgresql() as store, psycopg.connect(store, autocommit=True) as operator:

        def cut() -> None:
            operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle' "
                "AND (query LIKE 'LISTEN%' OR query LIKE 'SELECT%redirection_revision%')"
            )

        yield {"DATABASE_URL": store}, cut


# Milliseconds, of 99 in 100; where the push is lost, of all.
_AIMS = {
    "SQLite, a look every 50 ms": 500,
    "SQLite, push by Redis": 100,
    "PostgreSQL, push by NOTIFY": 100,
    "PostgreSQL, push by Redis": 100,
}
_NEVER_MORE = 5_000
CONTENDERS = {
    "SQLite, a look every 50 ms": _sqlite,
    "SQLite, push by Redis": _sqlite_and_redis,
    "PostgreSQL, push by NOTIFY": _postgresql,
    "PostgreSQL, push by Redis": _postgresql_and_redis,
    "Redis killed, polling every 0.5 s": _redis_is_killed,
    "Redis hangs, polling every 0.5 s": _redis_hangs,
    "NOTIFY, listeners cut off twice a second": _listeners_are_cut_off,
}


def _start(environment: Environment, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", MODULE, *words],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _manage(environment: Environment, *words: str) -> None:
    command = [sys.executable, "manage.py", *words]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def _lines(text: str) -> list[tuple[int, float]]:
    """Revision and moment of each line."""
    pairs = (line.split() for line in text.splitlines())
    return [(int(revision), float(moment)) for revision, moment in pairs]


if __name__ == "__main__":
    main()
