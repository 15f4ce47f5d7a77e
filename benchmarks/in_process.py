"""What a redirect and a decision cost in process, beside those of others.

``make bench`` or ``python -m benchmarks.in_process``. Each contender has a process of its own that
stays up; they take turns, so what disturbs the one disturbs the others. Compare the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any, Self
from urllib.parse import urlsplit

from benchmarks import contenders, peers
from benchmarks.contenders import Contender
from benchmarks.results import Aim, Result, Table, ratio, spread
from benchmarks.servers import postgresql

EXPLANATION = """\
us: microseconds for one, the median of all rounds; 80 %: the rounds between the first and the last
tenth. x: the same as a multiple of the first row of the same round. Redirects by rows of a database
keep their connection open, which a new project does not."""
# Seconds: a store that is filled takes its time.
_PATIENCE = 600


def main() -> None:
    arguments = _arguments()
    wanted = [
        contender.of_size(arguments.rules, arguments.tenants)
        for contender in (*contenders.REQUESTS, *contenders.DECISIONS)
        if not arguments.only or contender.factory.startswith(tuple(arguments.only))
    ]
    with ExitStack() as stack:
        workers, missing = _started(stack, wanted, arguments.peers)
        turns: dict[Contender, list[float]] = {worker.contender: [] for worker in workers}
        for number in range(arguments.rounds + 1):
            for worker in workers:
                took = worker.turn(arguments.milliseconds)
                # The first round warms up.
                if number:
                    turns[worker.contender].append(took)
        names = {worker.contender: worker.name for worker in workers}
    requests, decisions = (
        {one: turns[one] for one in each if one in turns}
        for each in (
            [found.of_size(arguments.rules, arguments.tenants) for found in group]
            for group in (contenders.REQUESTS, contenders.DECISIONS)
        )
    )
    tables = [
        _table(kind, rows, names)
        for kind, rows in (("a redirect", requests), ("a decision", decisions))
        if rows
    ]
    Result(
        f"{arguments.rounds} rounds of {arguments.milliseconds} ms for each",
        tables,
        EXPLANATION,
        {
            kind: [_numbers(names[one], rows, one) for one in rows]
            for kind, rows in (("requests", requests), ("decisions", decisions))
        },
        _aims(turns, arguments.rules, arguments.tenants),
        missing,
    ).publish(arguments.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a redirect and a decision cost in process.")
    parser.add_argument("--rounds", type=int, default=40, help="how often each takes its turn")
    parser.add_argument("--milliseconds", type=int, default=25, help="how long one turn is")
    parser.add_argument("--rules", type=int, default=100_000, help="rules of the large site")
    parser.add_argument("--tenants", type=int, default=1_000_000, help="tenants of the large site")
    parser.add_argument("--only", action="append", help="the start of MODULE:FUNCTION of a row")
    parser.add_argument("--peers", type=Path, default=peers.FOLDER, help="their environment")
    parser.add_argument("--json", type=Path, help="file for the results")
    arguments = parser.parse_args()
    if arguments.rounds < 2 or min(arguments.milliseconds, arguments.rules) < 1:
        parser.error("at least 2 rounds, 1 millisecond and 1 rule are needed")
    if arguments.tenants < 2:
        parser.error("at least 2 tenants are needed")
    return arguments


class _Worker:
    """The process of one contender."""

    def __init__(
        self, contender: Contender, python: str, folder: Path, postgresql_port: int
    ) -> None:
        self.contender = contender
        self.name = contender.name
        variables = {"BENCHMARK_FOLDER": str(folder), "BENCHMARK_PEER": contender.peer}
        if contender.server:
            variables["BENCHMARK_POSTGRESQL"] = str(postgresql_port)
            variables["BENCHMARK_DATABASE"] = folder.name
        self._process = subprocess.Popen(  # noqa: S603 (nothing of it comes from outside)
            [python, "-m", "benchmarks.contenders.worker", *contender.factory.split()],
            cwd=peers.ROOT,
            env={"PATH": os.environ["PATH"], **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def problem(self) -> str:
        """Wait until it is ready; why it never will be, or nothing."""
        late = threading.Timer(_PATIENCE, self._process.kill)
        late.start()
        said = self._said()
        late.cancel()
        if said["ready"] and self.contender.peer:
            self.name = f"{self.contender.peer} {said['version']}: {self.name}"
        return "" if said["ready"] else said["reason"]

    def turn(self, milliseconds: int) -> float:
        """Microseconds for one, measured for about so long."""
        print(milliseconds, file=self._process.stdin, flush=True)
        said = self._said()
        return float(said["seconds"] / said["requests"] * 1e6)

    def _said(self) -> dict[str, Any]:
        line = next(iter(self._process.stdout or ()), '{"ready": false, "reason": "it ended"}')
        found: dict[str, Any] = json.loads(line)
        return found


def _started(
    stack: ExitStack, wanted: list[Contender], environment: Path
) -> tuple[list[_Worker], list[str]]:
    """Those that are ready, and a line for each group of those that are not."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    python_of_peers = peers.python(environment)
    missing: dict[str, list[str]] = {}
    server = 0
    if any(contender.server for contender in wanted):
        try:
            server = urlsplit(stack.enter_context(postgresql())).port or 0
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            problem = f"PostgreSQL cannot be started ({type(error).__name__})"
            missing[problem] = [contender.name for contender in wanted if contender.server]
    starting = []
    for number, contender in enumerate(wanted):
        if contender.peer and python_of_peers is None:
            missing.setdefault("the peers are not installed", []).append(contender.peer)
        elif server or not contender.server:
            own = folder / f"contender{number}"
            own.mkdir()
            if contender.server:
                _create(server, own.name)
            python = (python_of_peers if contender.peer else None) or sys.executable
            starting.append(stack.enter_context(_Worker(contender, python, own, server)))
    workers = []
    for worker in starting:
        if problem := worker.problem():
            missing.setdefault(problem, []).append(worker.contender.peer or worker.name)
        else:
            workers.append(worker)
    lines = [
        f"Not compared: {'; '.join(dict.fromkeys(names))} ({problem})"
        for problem, names in missing.items()
    ]
    return workers, lines


def _create(port: int, name: str) -> None:
    import psycopg

    address = f"postgresql://portal@127.0.0.1:{port}/postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")


def _table(kind: str, rows: dict[Contender, list[float]], names: dict[Contender, str]) -> Table:
    first = next(iter(rows.values()))
    table = Table((kind, "us", "80 %", "x", "80 %"))
    for one, times in rows.items():
        ratios = [own / other for own, other in zip(times, first, strict=True)]
        digits = 1 if median(times) >= 1 else 2
        own = 1 if median(ratios) >= 10 else 3
        table.rows.append(
            (
                names[one],
                f"{median(times):,.{digits}f}",
                spread(times, digits),
                f"{median(ratios):.{own}f}",
                spread(ratios, own),
            )
        )
    return table


def _numbers(name: str, rows: dict[Contender, list[float]], one: Contender) -> dict[str, Any]:
    first = next(iter(rows.values()))
    return {"name": name, "us": median(rows[one]), "times": ratio(rows[one], first)}


def _aims(turns: dict[Contender, list[float]], rules: int, tenants: int) -> list[Aim]:
    small, large = contenders.SMALL, contenders.LARGE.of_size(rules, tenants)
    if small not in turns or large not in turns:
        return []
    grows = ratio(turns[large], turns[small])
    return [
        Aim(f"{small.name}, us", 5, median(turns[small]), at_least=False),
        Aim(f"{large.name}: times that", 2, grows, at_least=False),
    ]


if __name__ == "__main__":
    main()
