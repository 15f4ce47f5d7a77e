"""However many reports there are, pages and files take few queries and little memory."""

from __future__ import annotations

import tracemalloc

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.models import Person
from redirection.models import Feedback, RoleSnapshot, Tenant, Trouble
from redirection.roles import GLOBAL_READER
from tests.conftest import PAGE_LOAD
from tests.reporting import many
from tests.test_link_rule_pages import operator

QUEUE = "/admin/redirection/trouble/"
REPORTED = "/cloudapps/settings/reported"
# Bytes; a page takes less than 1 MB, a file up to 3 MB before its rest is on disk.
MOST_MEMORY = 6_000_000
MOST_QUERIES = 15


def cost(browser: Client, address: str) -> tuple[int, int]:
    """Queries, and bytes at the most, that an answer takes until it is read to its end."""
    with CaptureQueriesContext(connection) as asked:
        tracemalloc.start()
        response = browser.get(address)
        length = sum(map(len, response.streaming_content)) if response.streaming else 0  # type: ignore[attr-defined]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        response.close()
    assert response.status_code == 200, address
    assert response.streaming is ("export" in address), address
    assert length or not response.streaming
    return len(asked), peak


def costs() -> dict[str, tuple[int, int]]:
    """What each address costs, for operators and for the tenant with most reports."""
    trouble = Trouble.objects.order_by("-reports").first()
    tenant = Tenant.objects.get(name="tenant-0")
    reader = Person.objects.create_user("reader")
    RoleSnapshot.objects.create(person=reader, tenant=tenant, directory_roles=[GLOBAL_READER])
    rita = Client(headers={"host": "security.localhost", **PAGE_LOAD})
    rita.force_login(reader, "redirection.permissions.TenantRolesBackend")
    own = tenant.feedback.values_list("trouble", flat=True)[0]
    assert trouble is not None
    asked = {
        operator("olga"): [
            QUEUE, f"{QUEUE}?q=report&tenant=tenant-0", f"{QUEUE}?o=-4", f"{QUEUE}?p=2",
            f"{QUEUE}{trouble.pk}/change/", f"{QUEUE}{trouble.pk}/change/?p=9",
            f"{QUEUE}export/queue/csv/", f"{QUEUE}export/reports/csv/",
            f"{QUEUE}export/reports/jsonl/?tenant=tenant-0", "/admin/redirection/feedback/",
        ],
        rita: [
            REPORTED, f"{REPORTED}?order=loads", f"{REPORTED}?text=report", f"{REPORTED}/{own}",
            f"{REPORTED}/export?format=csv", f"{REPORTED}/export?format=jsonl",
        ],
    }  # fmt: skip
    found = {}
    for browser, addresses in asked.items():
        # The first request of a process loads what no later one does.
        browser.get(addresses[0])
        for address in addresses:
            found[address] = cost(browser, address)
    return found


def check(number: int, tenants: int, troubles: int) -> None:
    many(number, tenants, troubles)
    # One tenant has as many reports as a busy one may.
    half = Feedback.objects.filter(pk__gt=number // 2).values("pk")[: number // 4]
    Feedback.objects.filter(pk__in=[row["pk"] for row in half]).update(
        tenant=Tenant.objects.get(name="tenant-0")
    )
    found = costs()
    assert {address: one for address, one in found.items() if one[0] > MOST_QUERIES} == {}
    assert {address: one for address, one in found.items() if one[1] > MOST_MEMORY} == {}


def test_three_thousand_reports_take_few_queries_and_little_memory(db: None) -> None:
    check(3_000, tenants=60, troubles=150)


@pytest.mark.long
def test_a_hundred_thousand_reports_take_no_more(db: None) -> None:
    check(100_000, tenants=2_000, troubles=1_000)
