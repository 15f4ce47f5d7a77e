"""The process of one contender: ``python -m benchmarks.contenders.worker MODULE:FUNCTION WORD=1``.

It says in one line of JSON that it is ready, or why not. Then each line it gets is a number of
milliseconds; it answers with how many requests it made in about that time, and the seconds it
took. Requests before those that count bring what others have pushed out back into the caches of
the processor. The garbage collector rests meanwhile.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from benchmarks.browsers import Served

# The part of a turn that does not count, before it.
_WARM = 10


def main() -> None:
    # What else is printed goes elsewhere.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(found: dict[str, Any]) -> None:
        print(json.dumps(found), file=answers, flush=True)

    try:
        peer = os.environ.get("BENCHMARK_PEER")
        once = contender(sys.argv[1], sys.argv[2:])
        say({"ready": True, "version": version(peer) if peer else ""})
    except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever a peer may raise)
        say({"ready": False, "reason": f"{type(error).__name__}: {error}".splitlines()[0]})
        return
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        seconds = float(line) / 1000
        each = max(_timed(once, 1), 1e-7)
        requests = max(1, round(seconds / each / _WARM))
        each = _timed(once, requests) / requests
        requests = max(1, round(seconds / each))
        say({"requests": requests, "seconds": _timed(once, requests)})


def contender(factory: str, words: list[str]) -> Callable[[], object]:
    """One request, or one decision, each time it is called."""
    made = made_by(factory, words)
    if not isinstance(made, Served):
        return made
    made.check()
    return made.asked()


def made_by(factory: str, words: list[str]) -> Any:
    """What a function of ``benchmarks.contenders`` gets ready."""
    module, _, name = factory.partition(":")
    given = dict(word.split("=") for word in words)
    function = getattr(importlib.import_module(f"benchmarks.contenders.{module}"), name)
    return function(**{key: int(value) for key, value in given.items()})


def _timed(once: Callable[[], object], requests: int) -> float:
    gc.collect()
    gc.disable()
    start = time.perf_counter()
    for _ in range(requests):
        once()
    took = time.perf_counter() - start
    gc.enable()
    return took


if __name__ == "__main__":
    main()
