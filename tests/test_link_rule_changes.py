"""Rules change in one way: checked, with a reason, at a revision every worker notices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from redirection import rule_uses, switches
from redirection.deep_links import Counterpart
from redirection.link_rule_changes import Plan, RulesRefused, change_rules, planned
from redirection.link_rules import LinkRule
from redirection.models import (
    Channel,
    DeepLinkRule,
    DeepLinkRuleChange,
    DeepLinkRuleUse,
    Revision,
    Tenant,
)
from redirection.models.append_only import HistoryIsAppendOnly
from redirection.models.history import Provenance
from tests.conftest import PAGE_LOAD, Switch
from tests.test_link_rules import exact, prefix

BY = Provenance("The test asks for it", Channel.COMMAND, operator="a test")
FILE = "source,target,kind\n/reports/old,/reports/new,exact\n/journal,/diary/{rest},prefix\n"


def changed(*wanted: LinkRule, **how: Any) -> DeepLinkRuleChange | None:
    def plan() -> Plan:
        return planned(wanted, **how)

    change = change_rules(plan(), plan, by=BY)
    # Changes reach the worker when a transaction commits; a test's never does.
    switches.refresh()
    return change


def numbers() -> dict[str, int]:
    return dict(DeepLinkRule.objects.values_list("source", "pk"))


def test_a_change_of_the_rules_reaches_the_workers(contoso: Tenant) -> None:
    switches.refresh()
    before = switches.held()
    change = changed(exact("/old", "/new", 0))
    assert change is not None
    held = switches.held()
    assert (held.revision, held.rules.revision) == (change.revision, change.revision)
    assert held.link("/old", tid=str(contoso.tid)).target == "/new"
    assert before.link("/old", tid=str(contoso.tid)).counterpart is Counterpart.NONE


def test_rules_are_read_again_only_when_they_have_changed(contoso: Tenant, switch: Switch) -> None:
    changed(exact("/old", "/new", 0))
    rules = switches.held().rules
    with CaptureQueriesContext(connection) as queries:
        switch(contoso, "on")
    assert switches.held().rules is rules
    assert not [one for one in queries if 'FROM "redirection_deeplinkrule"' in one["sql"]]
    with CaptureQueriesContext(connection) as queries:
        switches.refresh()
    assert len(queries) == 1


def test_the_rule_of_the_tenants_cloud_answers(contoso: Tenant, fabrikam: Tenant) -> None:
    Tenant.objects.filter(pk=fabrikam.pk).update(cloud="gcc-high")
    switches.forget()
    changed(exact("/old", "/gov", 0, cloud="gcc-high"))
    assert switches.held().link("/old", tid=str(fabrikam.tid)).target == "/gov"
    assert switches.held().link("/old", tid=str(contoso.tid)).rule is None


def test_a_change_has_its_row_in_the_history(db: None) -> None:
    changed(exact("/old", "/new", 0))
    number = numbers()["/old"]
    changed(exact("/old", "/newer", number))
    row = DeepLinkRuleChange.objects.first()
    assert row is not None
    assert (row.added, row.changed, row.removed, row.author_name) == (0, 1, 0, "a test")
    assert row.summary == "exact /old -> /new (exact) => exact /old -> /newer (exact)"
    with pytest.raises(HistoryIsAppendOnly):
        row.save()
    changed(removed=[number])
    assert not DeepLinkRule.objects.exists()
    assert DeepLinkRuleChange.objects.count() == 3


def test_what_is_already_so_changes_nothing(db: None) -> None:
    changed(exact("/old", "/new", 0))
    revision = Revision.latest()
    assert changed(exact("/old", "/new", 0)) is None
    assert Revision.latest() == revision


def test_without_a_reason_nothing_changes(db: None) -> None:
    plan = planned([exact("/old", "/new", 0)])
    with pytest.raises(ValidationError, match="Say why"):
        change_rules(plan, lambda: plan, by=Provenance(" ", Channel.COMMAND, operator="x"))
    assert not DeepLinkRule.objects.exists()


def test_a_set_with_a_problem_is_refused_as_a_whole(db: None) -> None:
    changed(exact("/a", "#/b", 0))
    with pytest.raises(RulesRefused) as refused:
        changed(exact("/ok", "/x", 0), exact("/b", "#/c", 0))
    assert [problem.code for problem in refused.value.problems] == ["chain"]
    assert list(numbers()) == ["/a"]


def test_a_problem_that_was_there_before_stops_nobody(db: None) -> None:
    DeepLinkRule.objects.create(source="/a", target="/x", cloud="gone")
    assert changed(exact("/b", "/x", 0)) is not None


def test_whoever_changes_rules_meanwhile_is_seen(db: None) -> None:
    first = planned([exact("/a", "#/b", 0)])
    changed(exact("/b", "#/c", 0))
    with pytest.raises(RulesRefused):
        change_rules(first, lambda: planned([exact("/a", "#/b", 0)]), by=BY)


def test_a_rule_that_cannot_be_used_harms_no_other(db: None, contoso: Tenant) -> None:
    DeepLinkRule.objects.create(kind="pattern", source="/a/(", target="/x")
    changed(exact("/b", "/x", 0))
    assert switches.held().rules.size == 1
    assert switches.held().link("/b").target == "/x"


# --- Last used ---------------------------------------------------------------------------


def test_a_rule_says_when_it_was_last_used(contoso: Tenant, switch: Switch, legacy: Client) -> None:
    changed(exact("/old", "/new", 0), exact("/other", "/x", 0))
    legacy.get("/old")
    rule_uses.write_uses()
    # While redirection is off nobody is led anywhere.
    assert not DeepLinkRuleUse.objects.exists()
    switch(contoso, "on")
    newcomer = Client(headers={**PAGE_LOAD, "host": "contoso.portal.localhost"})
    with CaptureQueriesContext(connection) as queries:
        assert newcomer.get("/old")["Location"] == "http://security.localhost/new"
    assert len(queries) == 0
    rule_uses.write_uses()
    assert [use.rule.source for use in DeepLinkRuleUse.objects.all()] == ["/old"]


def test_a_rule_behind_a_fragment_is_noted_where_the_fragment_is_told(
    contoso: Tenant, destination: Client
) -> None:
    changed(exact("/old", "/new", 0, part="fragment"))
    data = {"tid": contoso.tid, "from": "/", "fragment": "#/old?a=1"}
    assert destination.post("/redirection/go", data)["Location"] == "/new?a=1"
    rule_uses.write_uses()
    assert DeepLinkRuleUse.objects.count() == 1


def test_a_rule_behind_an_alias_is_used_as_well(contoso: Tenant, destination: Client) -> None:
    changed(exact("/alias", "#/page", 0), exact("/page", "/new", 0))
    data = {"tid": contoso.tid, "from": "/", "fragment": "#/alias"}
    assert destination.post("/redirection/go", data)["Location"] == "/new"
    rule_uses.write_uses()
    used = DeepLinkRuleUse.objects.values_list("rule__source", flat=True)
    assert sorted(used) == ["/alias", "/page"]


def test_uses_are_written_once_a_day_and_never_backwards(db: None) -> None:
    changed(exact("/old", "/new", 0))
    number = numbers()["/old"]
    day = 86_400_000
    rule_uses.note(number, 20_000 * day)
    rule_uses.write_uses()
    rule_uses.note(number, 20_000 * day + 5)
    with CaptureQueriesContext(connection) as queries:
        rule_uses.write_uses()
    assert len(queries) == 0
    rule_uses.note(number, 19_000 * day)
    rule_uses.write_uses()
    use = DeepLinkRuleUse.objects.get()
    assert (use.rule_id, use.last_used_on.isoformat()) == (number, "2024-10-04")


# --- Commands ----------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.csv"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_an_export_is_imported_to_the_same_rules(
    db: None, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("import_link_rules", str(file), reason="Move")
    assert capsys.readouterr().out.startswith("2 added, 0 changed, 0 removed, revision")
    before = list(DeepLinkRule.objects.as_rules())
    exported = tmp_path / "exported.csv"
    call_command("export_link_rules", str(exported))
    call_command("import_link_rules", str(exported), "--replace", reason="Same")
    assert capsys.readouterr().out == "All rules already are as in the file.\n"
    call_command("export_link_rules")
    assert capsys.readouterr().out.splitlines() == exported.read_text("utf-8").splitlines()
    DeepLinkRule.objects.all().delete()
    call_command("import_link_rules", str(exported), reason="Again")
    again = list(DeepLinkRule.objects.as_rules())
    assert [(rule.identity, rule.target) for rule in again] == [
        (rule.identity, rule.target) for rule in before
    ]


def test_replacing_keeps_the_numbers_of_rules_that_stay(db: None, file: Path) -> None:
    call_command("import_link_rules", str(file), reason="Move")
    before = numbers()
    file.write_text("source,target,kind\n/journal,/notes,prefix\n/c,/d,exact\n", encoding="utf-8")
    call_command("import_link_rules", str(file), "--replace", reason="Less")
    after = numbers()
    assert set(after) == {"/journal", "/c"}
    assert after["/journal"] == before["/journal"]


def test_a_dry_run_changes_nothing(
    db: None, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("import_link_rules", str(file), "--dry-run")
    assert "It would be 2 added, 0 changed, 0 removed" in capsys.readouterr().out
    assert not DeepLinkRule.objects.exists()


def test_every_wrong_line_is_named_and_nothing_is_imported(
    db: None, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("source,target\n/a,/x\n/b,//evil\n/a,/y\n/c,/{rest}\n", encoding="utf-8")
    with pytest.raises(CommandError, match="3 problems, nothing was changed") as refused:
        call_command("import_link_rules", str(file), reason="Move")
    assert refused.value.returncode == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["line 3", "line 4", "line 5"]
    assert not DeepLinkRule.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.csv"], "No such file"),
        (["."], "Is a directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(
    arguments: list[str], message: str, db: None
) -> None:
    with pytest.raises(CommandError, match=message) as refused:
        call_command("import_link_rules", *arguments, reason="Move")
    assert refused.value.returncode == 2


def test_an_import_without_a_reason_is_refused(db: None, file: Path) -> None:
    with pytest.raises(CommandError, match="Say why"):
        call_command("import_link_rules", str(file))
    assert not DeepLinkRule.objects.exists()


def test_a_prefix_leads_people_on(contoso: Tenant, switch: Switch, legacy: Client) -> None:
    changed(prefix("/reports", "/diary/{rest}", 0), exact("/gone", "/x", 0, counterpart="none"))
    switch(contoso, "on")
    assert legacy.get("/reports/7?x=1")["Location"] == "http://security.localhost/diary/7?x=1"
    assert "/redirection/hand-over?" in legacy.get("/gone")["Location"]


@pytest.mark.parametrize(
    ("counterpart", "heading"),
    [
        ("none", "This page has no counterpart yet"),
        ("nearest", "This page has no exact counterpart yet"),
    ],
)
def test_nobody_lands_somewhere_else_without_a_word(
    counterpart: str, heading: str, contoso: Tenant, destination: Client, settings: Any
) -> None:
    settings.REDIRECTION_DESTINATION_SHOWS_NOTICES = False
    changed(exact("/old", "/somewhere", 0, counterpart=counterpart))
    asked = {"tid": contoso.tid, "from": "/", "fragment": "#/old"}
    page = destination.get("/redirection/go", asked).content.decode()
    assert heading in page
    assert 'href="/somewhere">Open the nearest place</a>' in page
    assert "start page" not in page
