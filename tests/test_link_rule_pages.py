"""Operators change deep link rules in their pages: with a reason, and checked as a whole."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.models import Person
from redirection.link_rule_changes import Plan, RulesRefused, change_rules, planned
from redirection.link_rule_files import COLUMNS
from redirection.models import DeepLinkRule, DeepLinkRuleChange, DeepLinkRuleUpload
from tests.conftest import PAGE_LOAD
from tests.test_link_rule_changes import changed, numbers
from tests.test_link_rules import exact

RULES = "/admin/redirection/deeplinkrule/"
FIELDS = {
    "kind": "exact",
    "source": "#/Reports/Old",
    "part": "any",
    "target": "/reports/new",
    "query": "",
    "counterpart": "exact",
    "cloud": "",
    "enabled": "on",
    "note": "",
    "reason": "Asked by phone",
}


def operator(name: str, *permissions: str) -> Client:
    """The browser of an operator; without permissions named, of one who may do everything."""
    if permissions:
        person = Person.objects.create_user(name, display_name=name)
        person.is_staff = True
        person.save()
        person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    else:
        person = Person.objects.create_superuser(name, password="a-long-enough-password")
    browser = Client(headers={"host": "security.localhost", **PAGE_LOAD})
    browser.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return browser


@pytest.fixture
def olga(db: None) -> Client:
    return operator("olga")


def upload(browser: Client, text: str | bytes, mode: str = "add", reason: str = "Move") -> Any:
    content = text if isinstance(text, bytes) else text.encode()
    file = SimpleUploadedFile("rules.csv", content, "text/csv")
    data = {"file": file, "mode": mode, "reason": reason}
    return browser.post(f"{RULES}import/", data)


def seen(page: Any) -> dict[str, str]:
    """What a page sends along to tell what it has shown."""
    found = re.search(r'name="seen" value="([^"]*)"', page.content.decode())
    assert found
    return {"seen": found[1]}


def applied(browser: Client, address: str) -> Any:
    """A checked file is looked at and imported."""
    return browser.post(address, seen(browser.get(address)), follow=True)


def test_a_rule_is_added_changed_and_deleted_with_reasons(olga: Client) -> None:
    added = olga.post(f"{RULES}add/", FIELDS)
    assert added.status_code == HTTPStatus.FOUND, added.content.decode()
    number = numbers()["/reports/old"]
    address = f"{RULES}{number}/change/"
    fields = {
        **FIELDS,
        **seen(olga.get(address)),
        "target": "/reports/newer",
        "reason": "Moved again",
    }
    assert olga.post(address, fields).status_code == HTTPStatus.FOUND
    asked = olga.get(f"{RULES}{number}/remove/")
    assert "Disabling keeps the rule" in asked.content.decode()
    chosen = {"action": "remove_rules", "_selected_action": number, **seen(asked)}
    without = olga.post(RULES, {**chosen, "reason": " "})
    assert without.status_code == HTTPStatus.BAD_REQUEST
    assert DeepLinkRule.objects.exists()
    assert olga.post(RULES, {**chosen, "reason": "Over"}).status_code == HTTPStatus.FOUND
    assert not DeepLinkRule.objects.exists()
    rows = DeepLinkRuleChange.objects.values_list("reason", "channel", "author_name")
    assert [row[0] for row in rows] == ["Over", "Moved again", "Asked by phone"]
    assert {row[1] for row in rows} == {"admin"}
    assert all(row[2] for row in rows)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"reason": ""}, "This field is required."),
        ({"reason": "\u200b"}, "Say why, in a few words."),
        ({"target": "//evil.example"}, "is not a page of the destination"),
        ({"target": "/x/{rest}"}, "{rest} is not captured by the source."),
        ({"source": "/"}, "The start page cannot be a source"),
        ({"kind": "pattern", "source": "/a/("}, "This pattern cannot be used"),
        ({"kind": "prefix", "source": "/a", "target": "#/a"}, "A loop of aliases"),
        ({"source": "/taken"}, "The same source as rule"),
        ({"cloud": "moon"}, "Select a valid choice."),
        ({"query": "remove x"}, "is no instruction"),
    ],
)
def test_a_wrong_rule_is_refused_and_what_was_typed_stays(
    wrong: dict[str, str], said: str, olga: Client
) -> None:
    changed(exact("/taken", "/x", 0))
    answer = olga.post(f"{RULES}add/", {**FIELDS, **wrong})
    assert answer.status_code == HTTPStatus.OK
    assert said in answer.content.decode()
    assert "/reports" in answer.content.decode()
    assert DeepLinkRule.objects.count() == 1


def test_everything_that_is_wrong_is_said_at_once(olga: Client) -> None:
    wrong = {**FIELDS, "source": "https://contoso.portal.example/#/a", "target": "//x"}
    page = olga.post(f"{RULES}add/", {**wrong, "reason": ""}).content.decode()
    assert "This field is required." in page
    assert "without the host: /a<" in page
    assert "is not a page of the destination" in page


def test_the_form_names_the_columns_and_words_of_files(olga: Client) -> None:
    page = olga.get(f"{RULES}add/").content.decode()
    for column in COLUMNS:
        assert f"In files: {column}" in page
    assert "In files: kind, one of exact, prefix, pattern." in page
    assert "In files: enabled, one of yes, no." in page


def test_addresses_are_read_from_left_to_right_in_every_language(olga: Client) -> None:
    changed(exact("/a", "/x", 0))
    olga.cookies["portal_language"] = "ar"
    form = olga.get(f"{RULES}{numbers()['/a']}/change/").content.decode()
    for name in ("source", "target", "query"):
        assert re.search(rf'<input[^>]*name="{name}"[^>]*dir="ltr"', form)
    assert "\u2066/reports/old\u2069" in form
    assert {"<bdi>/a</bdi>", "<bdi>/x</bdi>"} <= set(
        re.findall(r"<bdi>[^<]*</bdi>", olga.get(RULES).content.decode())
    )
    asked = olga.get(f"{RULES}{numbers()['/a']}/remove/").content.decode()
    assert '<bdi dir="ltr"><code>/a</code> → <code>/x</code></bdi>' in asked


def test_deleting_is_offered_where_it_is_in_all_forms_and_looks_it(olga: Client) -> None:
    changed(exact("/a", "/x", 0))
    number = numbers()["/a"]
    form = olga.get(f"{RULES}{number}/change/").content.decode()
    assert f'<a href="{RULES}{number}/delete/" class="deletelink">' in form
    asked = olga.get(f"{RULES}{number}/delete/").content.decode()
    assert '<input type="submit" value="Delete rules" class="removes">' in asked
    assert (
        'class="removes"'
        not in olga.post(
            RULES, {"action": "disable_rules", "_selected_action": number}
        ).content.decode()
    )


def test_whoever_is_late_by_a_moment_sees_what_is_wrong_now(
    olga: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(plan: Plan, again: Any, **how: Any) -> None:
        monkeypatch.undo()
        refused = RulesRefused(plan.problems)
        # Seen from the second try on, as the first one is rolled back.
        monkeypatch.setattr("redirection.link_rule_forms.planned", after_another)
        raise refused

    def after_another(*args: Any, **how: Any) -> Plan:
        changed(exact("/b", "#/c", 0))
        return planned(*args, **how)

    monkeypatch.setattr("redirection.link_rule_admin.change_rules", too_late)
    answer = olga.post(f"{RULES}add/", {**FIELDS, "target": "#/b"})
    assert answer.status_code == HTTPStatus.OK
    assert "A chain of aliases" in answer.content.decode()


def test_rules_are_disabled_and_enabled_together(olga: Client) -> None:
    changed(exact("/a", "/x", 0), exact("/b", "/y", 0))
    chosen = {"_selected_action": list(numbers().values())}
    asked = olga.post(RULES, {**chosen, "action": "disable_rules"})
    assert "Disable rules" in asked.content.decode()
    assert DeepLinkRule.objects.filter(enabled=True).count() == 2
    sent = {**chosen, **seen(asked), "action": "disable_rules", "reason": "Trial"}
    said = olga.post(RULES, sent, follow=True)
    assert "2 rules were changed, revision" in said.content.decode()
    assert not DeepLinkRule.objects.filter(enabled=True).exists()
    # Meanwhile another one would make it a loop.
    changed(exact("/x", "#/a", 0))
    DeepLinkRule.objects.filter(source="/a").update(target="#/x")
    chosen["action"] = "enable_rules"
    asked = olga.post(RULES, chosen)
    refused = olga.post(RULES, {**chosen, **seen(asked), "reason": "Back"})
    assert "A loop of aliases" in refused.content.decode()


def test_the_list_filters_and_finds(olga: Client) -> None:
    changed(exact("/a", "/x", 0), exact("/b", "/y", 0, cloud="gcc-high", enabled=False))
    page = olga.get(RULES, {"q": "/b"}).content.decode()
    assert "gcc-high" in page
    assert "/a" not in re.findall(r"<td[^>]*>[^<]*(/a)<", page)
    assert "never" in page
    for query in ("enabled__exact=1", "kind__exact=exact", "in=gcc-high", "in=all", "o=8"):
        assert olga.get(f"{RULES}?{query}").status_code == HTTPStatus.OK


def test_a_file_is_checked_first_and_then_applied_as_it_was(olga: Client) -> None:
    changed(exact("/b", "/old", 0))
    checked = upload(olga, "\ufeffsource,target\n/a,/x\n/b,/y\n")
    page = olga.get(checked["Location"]).content.decode()
    assert "Nothing is wrong with this file" in page
    assert re.findall(r'row">(\w+)</th><td>(\d+)', page)[:3] == [
        ("Added", "1"),
        ("Changed", "1"),
        ("Deleted", "0"),
    ]
    assert not DeepLinkRule.objects.filter(source="/a").exists()
    said = applied(olga, checked["Location"]).content.decode()
    assert "Imported: 1 added, 1 changed, 0 removed, revision" in said
    assert not DeepLinkRuleUpload.objects.exists()
    assert olga.get(checked["Location"]).status_code == HTTPStatus.NOT_FOUND


def test_what_is_imported_is_what_was_shown(olga: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(exact("/b", "/old", 0))
    checked = upload(olga, "source,target\n/a,/x\n", "replace")["Location"]
    shown = seen(olga.get(checked))
    changed(exact("/c", "/new", 0))
    late = olga.post(checked, shown)
    assert late.status_code == HTTPStatus.CONFLICT
    assert "The rules changed meanwhile" in late.content.decode()
    assert "Deleted</th><td>2</td>" in late.content.decode()
    assert olga.post(checked).status_code == HTTPStatus.CONFLICT
    assert set(numbers()) == {"/b", "/c"}

    def after_another(*args: Any, **how: Any) -> Any:
        monkeypatch.undo()
        changed(exact("/d", "/last", 0))
        return change_rules(*args, **how)

    # Between the last look at the rules and the lock on them.
    monkeypatch.setattr("redirection.link_rule_import.change_rules", after_another)
    assert olga.post(checked, seen(late)).status_code == HTTPStatus.CONFLICT
    assert set(numbers()) == {"/b", "/c", "/d"}
    assert applied(olga, checked).status_code == HTTPStatus.OK
    assert list(numbers()) == ["/a"]


def test_rules_that_would_go_or_change_are_named_before(olga: Client) -> None:
    changed(exact("/gone", "/lost", 0), exact("/b", "/before", 0, query="drop x"))
    checked = upload(olga, "source,target\n/b,/after\n", "replace")["Location"]
    page = olga.get(checked).content.decode()
    for said in ("1 rule that is not in the file goes.", "/gone", "/lost", f'"{RULES}export/"'):
        assert said in page
    for said in ("/before", "drop x", "/after"):
        assert said in page


def test_nobody_overwrites_what_somebody_else_saved_meanwhile(olga: Client) -> None:
    changed(exact("/a", "/x", 0), exact("/other", "/x", 0))
    number = numbers()["/a"]
    address = f"{RULES}{number}/change/"
    shown = seen(olga.get(address))
    changed(exact("/other", "/y", 0))
    changed(exact("/a", "/theirs", 0))
    fields = {**FIELDS, **shown, "source": "/a", "target": "/mine"}
    late = olga.post(address, fields)
    assert "exact /a -&gt; /theirs (exact). Save again" in late.content.decode()
    assert 'value="/mine"' in late.content.decode()
    assert DeepLinkRule.objects.get(pk=number).target == "/theirs"
    again = {**fields, **seen(late), "target": "//wrong"}
    assert "is not a page of the destination" in olga.post(address, again).content.decode()
    assert olga.post(address, {**again, "target": "/mine"}).status_code == HTTPStatus.FOUND
    assert DeepLinkRule.objects.get(pk=number).target == "/mine"


def test_nobody_changes_rules_together_that_are_others_by_now(olga: Client) -> None:
    changed(exact("/a", "/x", 0), exact("/b", "/x", 0))
    for action in ("remove_rules", "disable_rules"):
        chosen = {"action": action, "_selected_action": numbers()["/a"], "reason": "Over"}
        shown = seen(olga.post(RULES, {**chosen, "reason": ""}))
        changed(exact("/a", f"/{action}", 0))
        late = olga.post(RULES, {**chosen, **shown})
        assert late.status_code == HTTPStatus.BAD_REQUEST
        assert "Somebody changed these rules meanwhile" in late.content.decode()
        assert f"/{action}</code>" in late.content.decode()
        assert DeepLinkRule.objects.filter(source="/a", enabled=True).exists()
        # Another rule is none of its business.
        changed(exact("/b", f"/{action}", 0))
    assert olga.post(RULES, {**chosen, **seen(late)}).status_code == HTTPStatus.FOUND
    assert not DeepLinkRule.objects.get(source="/a").enabled


def test_replacing_all_rules_removes_the_others(olga: Client) -> None:
    changed(exact("/b", "/old", 0))
    applied(olga, upload(olga, "source,target\n/a,/x\n", "replace")["Location"])
    assert list(numbers()) == ["/a"]


def test_a_file_with_problems_shows_the_first_and_keeps_all_for_download(olga: Client) -> None:
    lines = "".join(f"/a{number},//evil\n" for number in range(150))
    checked = upload(olga, f"source,target\n{lines}")["Location"]
    page = olga.get(checked).content.decode()
    assert "150 problems: nothing can be imported" in page
    assert page.count("is not a page of the destination") == 100
    whole = b"".join(olga.get(f"{checked}problems")).decode().splitlines()
    assert (len(whole), whole[149].partition(":")[0]) == (150, "line 151")
    assert olga.post(checked).status_code == HTTPStatus.CONFLICT
    assert not DeepLinkRule.objects.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The submitted file is empty."),
        (b"source,target\n\xff,/x\n", "line 2: From here on this is not UTF-8."),
        (b"source,target\n/a\x00,/x\n", "NUL characters"),
    ],
)
def test_a_file_that_is_none_is_refused(content: bytes, said: str, olga: Client) -> None:
    answer = upload(olga, content)
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert said in answer.content.decode()


def test_nobody_applies_the_file_of_somebody_else(olga: Client) -> None:
    checked = upload(olga, "source,target\n/a,/x\n")["Location"]
    assert operator("oskar").post(checked).status_code == HTTPStatus.NOT_FOUND


def test_an_export_is_taken_back_as_the_same_rules(olga: Client) -> None:
    changed(exact("/a", "/x", 0, note="=1+1"), exact("/b", "/y", 0, enabled=False))
    exported = olga.get(f"{RULES}export/")
    assert exported["Content-Disposition"] == 'attachment; filename="link-rules.csv"'
    content = b"".join(exported)
    assert b"'=1+1" in content
    page = olga.get(upload(olga, content, "replace")["Location"]).content.decode()
    assert "Already so</th><td>2</td>" in page


@pytest.mark.parametrize(
    ("permissions", "answers"),
    [
        (["view_deeplinkrule"], {"": 200, "add/": 403, "import/": 403, "export/": 200}),
        (["view_tenant"], {"": 403, "add/": 403, "import/": 403, "export/": 403}),
        (
            ["view_deeplinkrule", "add_deeplinkrule", "change_deeplinkrule"],
            {"": 200, "add/": 200, "import/": 403, "export/": 200},
        ),
    ],
)
def test_each_page_asks_for_its_permission(
    permissions: list[str], answers: dict[str, int], db: None
) -> None:
    changed(exact("/a", "/x", 0))
    browser = operator("otto", *permissions)
    got = {page: browser.get(f"{RULES}{page}").status_code for page in answers}
    assert got == answers
    number = numbers()["/a"]
    refused = (HTTPStatus.FORBIDDEN, HTTPStatus.FOUND)
    assert browser.get(f"{RULES}{number}/remove/").status_code == HTTPStatus.FORBIDDEN
    browser.post(RULES, {"action": "remove_rules", "_selected_action": number, "reason": "x"})
    assert browser.post(f"{RULES}{number}/delete/").status_code in refused
    assert DeepLinkRule.objects.exists()


def test_whoever_may_only_look_sees_a_rule_without_fields(db: None) -> None:
    changed(exact("/a", "/x", 0))
    page = operator("rita", "view_deeplinkrule").get(f"{RULES}{numbers()['/a']}/change/")
    assert page.status_code == HTTPStatus.OK
    assert 'name="target"' not in page.content.decode()
