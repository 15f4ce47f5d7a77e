"""A change of deep link rules can be taken back with the file that is kept with it."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from django.test import Client

from redirection.link_rules import LinkRule
from redirection.models import DeepLinkRule, DeepLinkRuleChange
from tests.test_link_rule_changes import changed, numbers
from tests.test_link_rule_pages import applied, olga, operator, upload
from tests.test_link_rules import exact, prefix

__all__ = ["olga"]

CHANGES = "/admin/redirection/deeplinkrulechange/"


def rules() -> dict[str, LinkRule]:
    """The rules that count, without their numbers."""
    held = DeepLinkRule.objects.filter(enabled=True).as_rules()
    return {rule.source: replace(rule, number=0) for rule in held}


def undo_file(browser: Client) -> bytes:
    """The file of the newest change."""
    page = browser.get(CHANGES).content.decode()
    address = f"{CHANGES}{DeepLinkRuleChange.latest_revision()}/undo"
    assert f'href="{address}"' in page
    answer = browser.get(address)
    assert answer["Content-Disposition"].startswith('attachment; filename="undo-')
    return answer.content


def test_replacing_all_rules_is_undone_by_the_file_kept_with_it(olga: Client) -> None:
    changed(
        exact("/gone", "/x", 0, note="=1+1"),
        prefix("/also", "/y/{rest}", 0, cloud="gcc-high", query="drop a; set b=c"),
        exact("/other", "/z", 0),
        exact("/stays", "/s", 0),
    )
    before = rules()
    file = "source,target\n/new,/n\n/other,/elsewhere\n/stays,/s\n"
    applied(olga, upload(olga, file, "replace")["Location"])
    assert set(rules()) == {"/new", "/other", "/stays"}
    content = undo_file(olga)
    assert b"/stays" not in content
    assert applied(olga, upload(olga, content)["Location"]).status_code == HTTPStatus.OK
    assert rules() == before
    assert not DeepLinkRule.objects.get(source="/new").enabled


def test_a_rule_that_was_given_another_source_gets_its_own_back(olga: Client) -> None:
    changed(exact("/a", "/x", 0))
    before = rules()
    changed(exact("/b", "/x", numbers()["/a"]))
    applied(olga, upload(olga, undo_file(olga))["Location"])
    assert rules() == before


def test_a_change_of_before_files_were_kept_has_none(olga: Client) -> None:
    changed(exact("/a", "/x", 0))
    DeepLinkRuleChange.objects.bulk_create([DeepLinkRuleChange(
        revision=99, added=1, changed=0, removed=0, reason="Move", channel="admin",
        author_name="Olga",
    )])  # fmt: skip
    page = olga.get(CHANGES)
    assert f"{CHANGES}99/undo" not in page.content.decode()
    assert olga.get(f"{CHANGES}99/undo").status_code == HTTPStatus.NOT_FOUND


def test_the_file_asks_for_the_permission_of_the_changes(db: None) -> None:
    changed(exact("/a", "/x", 0))
    address = f"{CHANGES}{DeepLinkRuleChange.latest_revision()}/undo"
    otto = operator("otto", "view_deeplinkrule")
    assert otto.get(address).status_code == HTTPStatus.FORBIDDEN
    rita = operator("rita", "view_deeplinkrulechange")
    assert rita.get(address).status_code == HTTPStatus.OK
