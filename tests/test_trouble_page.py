"""One trouble, as operators see it: reports as text, never as links, and the rule for the page."""

from __future__ import annotations

import re
from html import unescape
from http import HTTPStatus

import pytest
from django.test import Client

from portal.models import Person
from redirection.models import Tenant, Trouble
from tests.reporting import loads, report
from tests.test_link_rule_changes import changed, numbers
from tests.test_link_rules import prefix
from tests.test_settings_page import text
from tests.troubles import QUEUE, fay, olga, page_of, trouble

__all__ = ["fay", "olga", "trouble"]


def test_one_trouble_says_who_reported_what_where(
    olga: Client, trouble: Trouble, contoso: Tenant
) -> None:
    loads(contoso, "/audits", 1_200)
    page = text(olga.get(page_of(trouble)))
    for words in (
        "Otto misses it", "Fay misses it", "Contoso", "Fabrikam", "/#/audits?activity.id=eq(7,)",
        "1,200 in the last 28 days", "Otto</bdi> (do not contact)", "Fay</bdi> (may be contacted)",
    ):  # fmt: skip
        assert words in page, words


def test_nothing_people_write_becomes_a_link_or_runs(
    olga: Client, contoso: Tenant, otto: Person
) -> None:
    for hostile in ("https://evil.example/x", "javascript:alert(1)", "//evil.example", "/\\evil"):
        said = f'{hostile} <a href="{hostile}">x</a><script>alert(1)</script>'
        number = report(contoso, otto, text=said, page=hostile).trouble_id
        page = olga.get(f"{QUEUE}{number}/change/").content.decode()
        content = page.partition('id="content-main"')[2].partition("<footer")[0]
        assert "<script" not in content
        links = [unescape(link) for link in re.findall(r'href="([^"]*)"', content)]
        # All of them are addresses of the site itself.
        assert links
        assert [link for link in links if not re.match(r"/(admin|redirection)/|\?p=", link)] == []


def test_the_address_of_a_report_is_explained_without_opening_it(
    olga: Client, trouble: Trouble
) -> None:
    page = olga.get(page_of(trouble)).content.decode()
    found = re.search(r'href="(/redirection/explain\?url=[^"]*eq[^"]*)"', page)
    assert found is not None
    assert olga.get(unescape(found[1])).status_code == HTTPStatus.OK


def test_the_rule_for_the_page_is_one_step_away(
    olga: Client, contoso: Tenant, otto: Person
) -> None:
    trouble = report(contoso, otto, page="/#/unheard/12/edit").trouble
    page = olga.get(page_of(trouble)).content.decode()
    found = re.search(r'href="(/admin/redirection/deeplinkrule/add/\?[^"]*)"', page)
    assert found is not None
    form = unescape(olga.get(unescape(found[1])).content.decode())
    assert 'value="/unheard/([^/]+)/edit"' in form
    changed(prefix("/unheard", "/x", 0))
    number = numbers()["/unheard"]
    page = olga.get(page_of(trouble)).content.decode()
    assert f'href="/admin/redirection/deeplinkrule/{number}/change/"' in page
    assert "Make a rule" not in page
    # A report given since then belongs to a trouble of that rule.
    since = report(contoso, otto, page="/#/unheard/13/edit").trouble
    assert since.route.endswith(" exact")
    assert f"Rule {number} answers this page" in text(olga.get(page_of(since)))


@pytest.mark.parametrize("number", ["999", "999999999999999999999999", "x", "0"])
def test_a_trouble_that_is_not_there_is_not_found(number: str, olga: Client) -> None:
    for address in (f"{QUEUE}{number}/change/", f"{QUEUE}{number}/export/csv/"):
        assert olga.get(address, follow=True).status_code == HTTPStatus.NOT_FOUND
