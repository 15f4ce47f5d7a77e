"""Who may look at troubles, read their reports, and answer."""

from __future__ import annotations

from http import HTTPStatus

from django.test import Client

from portal.models import Person
from redirection.feedback.answers import announce
from redirection.models import Answer, Trouble
from tests.test_link_rule_pages import operator
from tests.test_settings_page import sign_in, text
from tests.troubles import QUEUE, answer, exported, fay, listed, olga, page_of, trouble

__all__ = ["fay", "olga", "trouble"]


def test_each_page_asks_for_its_permission(trouble: Trouble) -> None:
    one, files = page_of(trouble), ("export/queue/csv/", "export/reports/csv/")
    addresses = (QUEUE, one, *(f"{QUEUE}{file}" for file in files),
                 f"{QUEUE}{trouble.pk}/export/csv/")  # fmt: skip
    ok, forbidden = HTTPStatus.OK, HTTPStatus.FORBIDDEN
    for name, permissions, expected in (
        ("nobody", ["view_change"], [forbidden] * 5),
        ("reports", ["view_feedback"], [forbidden] * 5),
        ("queue", ["view_trouble"], [ok, ok, ok, forbidden, forbidden]),
        ("both", ["view_trouble", "view_feedback"], [ok] * 5),
        ("answers", ["change_trouble", "view_feedback"], [ok] * 5),
    ):
        browser = operator(name, *permissions)
        got = []
        for address in addresses:
            response = browser.get(address)
            got.append(response.status_code)
            response.close()
        assert got == expected, name
        can_answer = browser.post(one, answer(text=name)).status_code == HTTPStatus.FOUND
        assert can_answer is ("change_trouble" in permissions), name
        sees = "misses it" in text(browser.get(one))
        assert sees is ({"view_feedback"} < {*permissions}), name
    assert [one.text for one in Answer.objects.all()] == ["answers"]


def test_nobody_adds_edits_or_deletes_a_trouble(olga: Client, trouble: Trouble) -> None:
    for address in (f"{QUEUE}add/", f"{QUEUE}{trouble.pk}/delete/"):
        assert olga.get(address).status_code == HTTPStatus.FORBIDDEN
        assert olga.post(address, {"post": "yes"}).status_code == HTTPStatus.FORBIDDEN
    olga.post(page_of(trouble), answer(reports=7, route="/x"))
    trouble.refresh_from_db()
    assert (trouble.reports, trouble.route) == (2, "/audits")


def test_nobody_of_an_organisation_opens_them(
    ada: Person, trouble: Trouble, destination: Client
) -> None:
    sign_in(destination, ada)
    for address in (QUEUE, page_of(trouble), f"{QUEUE}export/queue/csv/"):
        answered = destination.get(address)
        assert answered.status_code == HTTPStatus.FOUND
        assert answered["Location"].startswith("/admin/login/")


def test_reports_are_searched_only_by_whoever_may_read_them(trouble: Trouble, ada: Person) -> None:
    announce(trouble, state="planned", text="The wheel turns again", page="", author=ada)
    queue = operator("queue", "view_trouble")
    both = operator("both", "view_trouble", "view_feedback")
    for words, may_find in (
        ("otto misses", False),
        ("activity.id", False),
        ("wheel", True),
        ("/audits", True),
    ):
        for asked in ({"q": words}, {"q": words, "tenant": "contoso"}):
            assert listed(both.get(QUEUE, asked)) == [trouble], asked
            assert (listed(queue.get(QUEUE, asked)) == [trouble]) is may_find, asked
    # Nor does a file tell.
    assert exported(queue, "export/queue/jsonl/", q="otto misses") == ""
    assert "Finds words of pages and answers." in text(queue.get(QUEUE))
    assert "Finds words of pages, reports and answers." in text(both.get(QUEUE))
