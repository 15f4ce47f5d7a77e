"""The operators' queue: one entry for a trouble of many tenants, filtered and counted."""

from __future__ import annotations

from http import HTTPStatus

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.models import Person
from redirection.feedback.answers import announce
from redirection.feedback.queue import with_tenants
from redirection.models import Tenant, Trouble
from tests.reporting import loads, many, report
from tests.test_settings_page import text
from tests.troubles import QUEUE, fay, listed, olga, page_of, trouble

__all__ = ["fay", "olga", "trouble"]


def test_the_same_trouble_of_two_organisations_is_one_entry(
    olga: Client, trouble: Trouble, contoso: Tenant, fabrikam: Tenant, otto: Person
) -> None:
    loads(contoso, "/audits", 100)
    loads(fabrikam, "/audits", 20, 3)
    report(contoso, otto, kind="praise", page="/#/unheard/7")
    page = olga.get(QUEUE)
    first, second = listed(page)
    assert (first.route, first.kind, first.reports) == ("/audits", "missing", 2)
    assert (first.tenants, first.loads) == (2, 123)
    assert (second.route, second.tenants, second.loads) == ("/unheard/*", 1, 0)
    assert "Activity log" in text(page)
    # Nobody's words and nobody's name stand in the list.
    for word in ("misses it", "Otto", "Fay", "Fabrikam"):
        assert word not in text(page)


def test_large_numbers_are_grouped(olga: Client, trouble: Trouble, contoso: Tenant) -> None:
    loads(contoso, "/audits", 1_234_567)
    Trouble.objects.update(reports=98_765)
    page = text(olga.get(QUEUE))
    for number in ("1,234,567", "98,765"):
        assert number in page


def test_the_queue_is_filtered_searched_and_ordered(
    olga: Client, trouble: Trouble, contoso: Tenant, fabrikam: Tenant, otto: Person, ada: Person
) -> None:
    praise = report(contoso, otto, kind="praise", page="/#/files", text="50% faster").trouble
    fixed = report(contoso, otto, kind="broken", page="/#/policy").trouble
    announce(fixed, state="fixed", text="The wheel turns again", page="", author=ada)
    for asked, found in (
        ({}, [trouble, praise, fixed]),
        ({"state__exact": "fixed"}, [fixed]),
        ({"kind__exact": "praise"}, [praise]),
        ({"tenant": "fabrikam"}, [trouble]),
        ({"tenant": " Contoso ", "state__exact": "open"}, [trouble, praise]),
        ({"tenant": "nobody"}, []),
        ({"tenant": "nul\0"}, []),
        ({"q": "FAY MISSES"}, [trouble]),
        ({"q": "50% fast"}, [praise]),
        ({"q": "/policy"}, [fixed]),
        ({"q": "wheel"}, [fixed]),
        ({"q": "activity.id"}, [trouble]),
        ({"o": "-4", "kind__exact": "missing"}, [trouble]),
    ):
        assert set(listed(olga.get(QUEUE, asked))) == set(found), asked
    # By page, by the number of organisations, by time.
    assert [one.route for one in listed(olga.get(QUEUE, {"o": "0"}))] == [
        "/audits", "/files", "/policy",
    ]  # fmt: skip
    assert listed(olga.get(QUEUE, {"o": "-4"}))[0] == trouble
    assert listed(olga.get(QUEUE, {"o": "-5"}))[0] == fixed


def test_the_filter_by_organisation_keeps_the_others(olga: Client, trouble: Trouble) -> None:
    page = olga.get(QUEUE, {"state__exact": "open", "q": "it", "tenant": '"><b>'})
    form = page.content.decode().partition('<form class="tenant-filter"')[2].partition("</form>")[0]
    assert '<input type="hidden" name="state__exact" value="open">' in form
    assert '<input type="hidden" name="q" value="it">' in form
    assert 'value="&quot;&gt;&lt;b&gt;"' in form
    assert form.count('name="tenant"') == 1


def test_any_length_takes_the_same_few_queries(olga: Client, trouble: Trouble) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            response = olga.get(address)
        assert response.status_code == HTTPStatus.OK
        response.close()
        return len(asked)

    addresses = [
        QUEUE, f"{QUEUE}?q=it&tenant=contoso", f"{QUEUE}?o=-4", page_of(trouble),
        f"{QUEUE}export/queue/csv/", f"{QUEUE}export/reports/jsonl/",
        f"{QUEUE}{trouble.pk}/export/csv/",
    ]  # fmt: skip
    # The first request of a process asks what no later one does.
    queries(QUEUE)
    before = [queries(address) for address in addresses]
    many(3_000, tenants=60, troubles=150)
    Trouble.objects.filter(route="/alerts").first().feedback.update(trouble=trouble)
    after = [queries(address) for address in addresses]
    assert after == before
    assert max(after) <= 14, after


def test_the_number_of_organisations_is_counted_once_each(db: None) -> None:
    many(300, tenants=7, troubles=10)
    counted = {one.pk: one.tenants for one in with_tenants(Trouble.objects.all())}
    assert set(counted.values()) == {7}
