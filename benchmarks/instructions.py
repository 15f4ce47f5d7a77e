"""Executed instructions of one request: ``make bench`` or ``python -m benchmarks.instructions``.

They hardly depend on what else the machine does, so they come before microseconds. One process
under callgrind holds the rules and tenants; for each contender it forks twice, and the two
children answer a different number of requests: the difference is what one request takes.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.handlers.wsgi import WSGIHandler

from benchmarks import decision
from redirection import switches
from redirection.door import with_door
from redirection.link_rules import LinkRule
from redirection.rule_sets import RuleSet

FLOOR = "floor: constant redirect"
# Requests of the two children; before them the interpreter has adapted to its code.
_FEW, _MANY, _FIRST = 50, 150, 200
_LEFT_OUT = ("decide()", "visit, new session", "visit, session continues")
EXPLANATION = """\
k: thousands of executed instructions for one request, without Python's garbage collector. x floor:
as a multiple of the floor, a Django view without any middleware that returns a constant redirect.
Never the same twice: each request has another host, query and cookie, so next to nothing that is
kept in memory helps."""


def main() -> None:
    arguments = _arguments()
    if arguments.inside:
        _answer(arguments.rules, arguments.tenants)
        return
    instructions = _measured(arguments.rules, arguments.tenants)
    floor = instructions[FLOOR]
    rows = {
        name: {"instructions": round(value), "floors": round(value / floor, 4)}
        for name, value in instructions.items()
    }
    if arguments.json:
        print(json.dumps({"rules": arguments.rules, "tenants": arguments.tenants, "rows": rows}))
        return
    print(f"{arguments.rules:,} rules, {arguments.tenants:,} tenants\n")
    print(f"{'':36}{'k':>8}{'x floor':>10}")
    for name, row in rows.items():
        print(f"{name:36}{row['instructions'] / 1000:8.1f}{row['floors']:10.3f}")
    print(f"\n{EXPLANATION}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Executed instructions of one request.")
    parser.add_argument("--rules", type=int, default=10, help="deep link rules held")
    parser.add_argument("--tenants", type=int, default=1_000, help="tenants held")
    parser.add_argument("--json", action="store_true", help="as JSON instead of a table")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rules < 0 or arguments.tenants < 2 * (_MANY + _FIRST):
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
    decision._configure()  # noqa: SLF001 (the same frame)
    on, off = decision._hold(tenants)  # noqa: SLF001
    switches._held = replace(switches.held(), rules=RuleSet(_rules(rules), 1))  # noqa: SLF001
    batches = {
        requests: decision._contenders(on, off, requests)  # noqa: SLF001
        for requests in (_FIRST, _FEW, _MANY)
    }
    strangers = list(_strangers())
    gated = ["redirection.middleware.RedirectionMiddleware"]
    decision.settings.MIDDLEWARE = gated
    door = with_door(WSGIHandler())
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
                door(environ, decision._start_response)  # noqa: SLF001
            os._exit(0)
        os.waitpid(number, 0)
        print(number, "door: redirect, never the same twice", flush=True)


def _count() -> None:
    """Let callgrind count from here on: to put many tenants together takes long enough."""
    switch_on = ["callgrind_control", "--instr=on", str(os.getpid())]
    subprocess.run(switch_on, stdout=subprocess.DEVNULL, check=True)  # noqa: S603


def _rules(count: int) -> Iterator[LinkRule]:
    """One in ten a prefix, the others exact; none of them is for a page asked for here."""
    for number in range(1, count + 1):
        kind = "exact" if number % 10 else "prefix"
        yield LinkRule(number, kind, f"/pages/{number}", f"/new/{number}")


def _strangers() -> Iterator[dict[str, Any]]:
    """Requests that have neither host nor page nor cookie in common."""
    for number in range(_FIRST + _MANY):
        tenant = switches.held().by_name[f"tenant{2 * number}"]
        cookie = decision._cookie(tenant, visiting=False)  # noqa: SLF001
        environ = decision._environ(tenant, "/audits", cookie)  # noqa: SLF001
        yield environ | {"QUERY_STRING": f"activity.id=eq({number},)"}


if __name__ == "__main__":
    main()
