"""Both stores add up what two processes counted at once."""

from __future__ import annotations

import json

from tests.test_postgresql_store import TID, Manage, manage, output, postgresql, store

__all__ = ["manage", "postgresql", "store"]

ROUNDS = 25
ROUTES = 200

# Each begins at another end, so that rows in the order counted would be locked crosswise.
COUNT = f"""
import time
from redirection import traffic
from redirection.traffic import Answer
now = time.time_ns() // 1_000_000
for round in range({ROUNDS}):
    for number in range({ROUTES})[::STEP]:
        traffic.count("{TID}", now, f"/route-{{number}}", Answer.KEPT)
        traffic.move("{TID}", now, ("?", Answer.KEPT), (f"/told-{{number}}", Answer.REDIRECTED))
        traffic.mark("{TID}", now // 100_000_000 * 100_000_000 + number, now)
    traffic.write()
    assert not traffic._failing, "a deadlock"
"""
SUMS = """
import json
from django.db.models import Sum
from redirection.models import SessionMark, Traffic
rows = Traffic.objects.order_by().values_list("route").annotate(Sum("kept"), Sum("redirected"))
print(json.dumps([{row[0]: row[1:] for row in rows}, SessionMark.objects.count()]))
"""


def test_two_processes_that_write_the_same_counts_at_once_lose_none(manage: Manage) -> None:
    output(manage("migrate", "--verbosity=0"))
    output(manage("add_tenant", "contoso", TID, "--reason", "A new customer"))

    steps = ("1", "-1")
    both = [manage("shell", "--verbosity=0", "-c", COUNT.replace("STEP", step)) for step in steps]
    assert [output(process) for process in both] == ["", ""]

    sums, marks = json.loads(output(manage("shell", "--verbosity=0", "-c", SUMS)))
    rounds = 2 * ROUNDS
    assert sums == {
        "?": [-rounds * ROUTES, 0],
        **{f"/route-{number}": [rounds, 0] for number in range(ROUTES)},
        **{f"/told-{number}": [0, rounds] for number in range(ROUTES)},
    }
    assert marks == ROUTES
