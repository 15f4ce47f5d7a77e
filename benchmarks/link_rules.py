"""What deep link rules cost: ``make bench`` or ``python -m benchmarks.link_rules``.

Imports many rules in one go into a store of its own, in a folder that is thrown away, then holds
them as a worker does and asks them, beside a worker that holds ten.
"""

from __future__ import annotations

import argparse
import gc
import resource
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Self

import django
from django.conf import settings
from django.core.management import call_command

from benchmarks.results import Result, Table
from redirection.deep_links import destination_for

FEW = 10
EXPLANATION = """\
Import: the command, from the file to the history row, in one transaction. Hold: what a worker does
behind its requests after a change of the rules; longest pause: how long another thread of that
worker had to wait for its turn meanwhile; medians of three. Look-up: the median of all rounds; x:
how many times that of ten rules."""


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        _configure(Path(folder))
        call_command("migrate", verbosity=0)
        file = Path(folder) / "rules.csv"
        file.write_text("".join(_lines(arguments.rules)), encoding="utf-8")
        began, busy, before = time.perf_counter(), time.process_time(), _most_memory()
        call_command("import_link_rules", str(file), reason="Benchmark", verbosity=0)
        took, busy = time.perf_counter() - began, time.process_time() - busy
        size, more = file.stat().st_size / 1e6, _most_memory() - before
        once = Table(("", "measured"))
        once.rows += [
            (f"import of {size:.1f} MB, s", f"{took:.1f}"),
            ("the same, time of the processor, s", f"{busy:.1f}"),
            ("the same, memory, MB", f"{more:,.0f}"),
        ]
        many, held = _hold()
        once.rows += held
        # One of each kind among them.
        numbers = {*range(1, FEW), FEW + 1}
        from redirection.models import DeepLinkRule
        from redirection.rule_sets import RuleSet

        few = RuleSet(rule for rule in DeepLinkRule.objects.as_rules() if rule.number in numbers)
        asked = _compare(few, many, arguments.rules, arguments.rounds)
    Result(
        f"{arguments.rules:,} rules, {arguments.rounds} rounds",
        [once, asked],
        EXPLANATION,
        {"import": took, **{row[0]: float(row[3]) for row in asked.rows}},
    ).publish(arguments.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What deep link rules cost.")
    parser.add_argument("--rules", type=int, default=100_000, help="rules in the file")
    parser.add_argument("--rounds", type=int, default=50, help="how often each is asked")
    parser.add_argument("--json", type=Path, help="file for the results")
    arguments = parser.parse_args()
    if arguments.rules < 100 or arguments.rounds < 2:
        parser.error("at least 100 rules and 2 rounds are needed")
    return arguments


def _configure(folder: Path) -> None:
    settings.configure(
        SECRET_KEY="a-secret-key-that-is-known-to-everybody-who-reads-this",  # noqa: S106
        INSTALLED_APPS=[
            "portal",
            "redirection",
            "django.contrib.auth",
            "django.contrib.contenttypes",
        ],
        AUTH_USER_MODEL="portal.Person",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": folder / "store.sqlite3",
                "OPTIONS": {
                    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
                    "transaction_mode": "IMMEDIATE",
                },
            }
        },
        REDIRECTION_REFRESH=0,
    )
    django.setup()


def _lines(count: int) -> Iterator[str]:
    """A file of exact rules, one in ten a prefix, one in a hundred (at most 1,000) a pattern."""
    yield "kind,source,target,query,counterpart\n"
    for number in range(count):
        if number % 100 == 0 and number < 100_000:
            yield f"pattern,/p{number}/([0-9a-f]+)/view,/new/{number}/{{1}},,exact\n"
        elif number % 10 == 0:
            yield f"prefix,/folder{number}/list,/new/folder{number}/{{rest}},,exact\n"
        else:
            yield f"exact,/pages/{number:024x},/new/pages/{number:024x},drop utm,exact\n"


def _hold() -> tuple[Any, list[Sequence[str]]]:
    """The rules as a worker holds them, and what that takes."""
    from redirection.models import DeepLinkRule
    from redirection.rule_sets import RuleSet

    def load() -> RuleSet:
        return RuleSet(DeepLinkRule.objects.as_rules(), revision=1)

    load()
    gc.collect()
    holding: list[tuple[float, float]] = []
    for _ in range(3):
        with _Pauses() as pauses:
            began = time.perf_counter()
            many = load()
            took = time.perf_counter() - began
        holding.append((took, pauses.longest * 1000))
    with _Pauses() as idle:
        time.sleep(took)
    took, longest = (median(values) for values in zip(*holding, strict=True))
    tracemalloc.start()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    again = load()
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return many, [
        ("hold, s", f"{took:.2f}"),
        ("longest pause of another thread, ms", f"{longest:.0f}"),
        ("the same while nothing is done, ms", f"{idle.longest * 1000:.0f}"),
        (f"memory of {again.size:,} rules held, MB", f"{held / 1e6:.1f}"),
        ("the same for each, bytes", f"{held / again.size:.0f}"),
    ]


def _compare(few: Any, many: Any, count: int, rounds: int) -> Table:
    # The last rule that is neither a prefix nor a pattern, and the last prefix.
    tens = (count - 1) // 10 * 10
    last = max(number for number in range(tens - 9, count) if number % 10)
    prefix = tens if tens % 100 else tens - 10
    table = Table(("us a look-up", f"{FEW} rules", f"{count:,} rules", "x"))
    for name, of_few, of_many in (
        ("exact", "/pages/" + f"{1:024x}", "/pages/" + f"{last:024x}"),
        (
            "prefix",
            "/folder10/list/a/b",
            f"/folder{prefix}/list/a/b",
        ),
        ("pattern", "/p0/0a1b/view", "/p100/0a1b/view"),
        ("no rule, built-in table", "/audits", "/audits"),
        ("no rule, unknown page", "/never/heard/of", "/never/heard/of"),
    ):
        times: dict[str, list[float]] = {"few": [], "many": []}
        for _ in range(rounds):
            # In turns, so that what disturbs the one disturbs the other.
            times["few"].append(_time_of(few, of_few))
            times["many"].append(_time_of(many, of_many))
        one, other = median(times["few"]), median(times["many"])
        ratio = f"{other / one:.2f}"
        table.rows.append((name, f"{one * 1e6:.1f}", f"{other * 1e6:.1f}", ratio))
    return table


def _time_of(rules: Any, route: str) -> float:
    times = 200
    began = time.perf_counter()
    for _ in range(times):
        destination_for("/", "a=1", route, "", rules)
    return (time.perf_counter() - began) / times


class _Pauses:
    """A thread that wants to run all the time, and how long it had to wait at most."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._ends = False
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends = True
        self._thread.join()

    def _run(self) -> None:
        last = time.perf_counter()
        while not self._ends:
            time.sleep(0.0005)
            now = time.perf_counter()
            self.longest, last = max(self.longest, now - last), now


def _most_memory() -> float:
    """The most this process has ever used, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
