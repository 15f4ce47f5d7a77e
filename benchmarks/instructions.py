"""Executed instructions of one request: ``make bench`` or ``python -m benchmarks.instructions``.

They hardly depend on what else the machine does, so they come before microseconds. One process
under callgrind holds the rules and tenants; for each contender it forks twice, and the two
children answer a different number of requests: the difference is what one request takes.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import decision, site_in_memory as site
from benchmarks.browsers import Environ, start_response
from benchmarks.results import Aim, Result, Table
from redirection.door import with_door

FLOOR = "floor: constant redirect"
# Requests of the two children; before them the interpreter has adapted to its code.
_FEW, _MANY, _FIRST = 50, 150, 200
_LEFT_OUT = ("decide()", "visit, new session", "visit, session continues")
DOOR = "door: redirect"
# The contender it is compared with, and how many times that it may take.
AIMS = {
    DOOR: (FLOOR, 0.10),
    "redirect, page with a counterpart": (FLOOR, 0.90),
    "let through, session continues": (FLOOR, 1.05),
    "let through, destination host": (FLOOR, 1.05),
    # Django finds its view a little later than the other.
    "let through, exempt path": ("the same view, exempt path", 1.05),
}
EXPLANATION = """\
10/1,000: with 10 rules and 1,000 tenants, and so on. k: thousands of executed instructions for one
request, without Python's garbage collector. x floor: as a multiple of the floor, a Django view
without any middleware that returns a constant redirect. Never the same twice: each request has
another host, query and cookie, so next to nothing that is kept in memory helps."""


def main() -> None:
    arguments = _arguments()
    sizes = list(zip(arguments.rules, arguments.tenants, strict=True))
    if arguments.inside:
        _answer(*sizes[0])
        return
    measured = [_measured(*size) for size in sizes]
    shown = [f"{rules:,}/{tenants:,}" for rules, tenants in sizes]
    columns = [f"{column}, {size}" for column in ("k", "x floor") for size in shown]
    table = Table(("rules/tenants", *columns))
    for name in measured[0]:
        counted = [f"{found[name] / 1000:.1f}" for found in measured]
        floors = [f"{found[name] / found[FLOOR]:.3f}" for found in measured]
        table.rows.append((name, *counted, *floors))
    Result(
        "Executed instructions of one request",
        [table],
        EXPLANATION,
        dict(zip(shown, measured, strict=True)),
        _aims(measured, shown),
    ).publish(arguments.json)


def _aims(measured: list[dict[str, float]], shown: list[str]) -> list[Aim]:
    aims = [
        Aim(
            f"{name}, x {'floor' if floor == FLOOR else floor}",
            wanted,
            measured[0][name] / measured[0][floor],
            at_least=False,
        )
        for name, (floor, wanted) in AIMS.items()
    ]
    for found, size in zip(measured[1:], shown[1:], strict=True):
        grows = found[DOOR] / measured[0][DOOR]
        aims.append(Aim(f"{DOOR}, {size}: times {shown[0]}", 1.1, grows, at_least=False))
    return aims


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Executed instructions of one request.")
    parser.add_argument("--rules", type=int, nargs="+", default=[10], help="deep link rules held")
    parser.add_argument(
        "--tenants",
        type=int,
        nargs="+",
        default=[1_000],
        help="tenants held, one for each of those",
    )
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if len(arguments.rules) != len(arguments.tenants):
        parser.error("as many numbers of rules as of tenants are needed")
    if min(arguments.rules) < 0 or min(arguments.tenants) < 2 * (_MANY + _FIRST):
        parser.error(f"at least {2 * (_MANY + _FIRST)} tenants are needed, each visited once")
    return arguments


def _measured(rules: int, tenants: int) -> dict[str, float]:
    """Instructions of one request, by contender."""
    with tempfile.TemporaryDirectory() as folder:
        valgrind = [
            "valgrind",
            "-q",
            "--tool=callgrind",
            "--instr-atstart=no",
            f"--callgrind-out-file={folder}/%p",
        ]
        program = [sys.executable, "-m", "benchmarks.instructions", "--inside"]
        result = subprocess.run(  # noqa: S603 (nothing of it comes from outside)
            [*valgrind, *program, f"--rules={rules}", f"--tenants={tenants}"],
            env={**os.environ, "PYTHONHASHSEED": "0"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        counted: dict[str, list[int]] = {}
        for line in result.stdout.splitlines():
            number, name = line.split(" ", 1)
            counted.setdefault(name, []).append(_total(Path(folder) / number))
    return {name: (many - few) / (_MANY - _FEW) for name, (few, many) in counted.items()}


def _total(file: Path) -> int:
    with file.open(encoding="utf-8") as lines:
        return next(
            int(line.split()[1]) for line in lines if line.startswith(("summary:", "totals:"))
        )


def _answer(rules: int, tenants: int) -> None:
    """The side under callgrind: a line for each child, with its number and its contender."""
    site.configure()
    site.hold(tenants, rules)
    batches = {requests: decision.contenders(requests) for requests in (_FIRST, _FEW, _MANY)}
    strangers = list(_strangers())
    door = with_door(site.handler(site.GATED))
    gc.collect()
    gc.freeze()
    gc.disable()
    _count()
    for name in batches[_FEW]:
        if name in _LEFT_OUT:
            continue
        for requests in (_FEW, _MANY):
            number = os.fork()
            if not number:
                batches[_FIRST][name]()
                batches[requests][name]()
                os._exit(0)
            os.waitpid(number, 0)
            print(number, name, flush=True)
    for requests in (_FEW, _MANY):
        number = os.fork()
        if not number:
            for environ in strangers[: _FIRST + requests]:
                door(environ, start_response)
            os._exit(0)
        os.waitpid(number, 0)
        print(number, "door: redirect, never the same twice", flush=True)


def _count() -> None:
    """Let callgrind count from here on: to put many tenants together takes long enough."""
    switch_on = ["callgrind_control", "--instr=on", str(os.getpid())]
    subprocess.run(switch_on, stdout=subprocess.DEVNULL, check=True)  # noqa: S603


def _strangers() -> Iterator[Environ]:
    """Requests that have neither host nor query nor cookie in common."""
    for number in range(_FIRST + _MANY):
        found = site.environ(site.tenant(2 * number), "/audits")
        yield found | {"QUERY_STRING": f"activity.id=eq({number},)"}


if __name__ == "__main__":
    main()
