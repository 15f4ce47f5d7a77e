"""Both stores take rules, their uses and unmatched links, from two processes at once too."""

from __future__ import annotations

import json
from pathlib import Path

from tests.test_postgresql_store import Manage, manage, output, postgresql, store

__all__ = ["manage", "postgresql", "store"]

COUNT = """
import datetime as dt
import json
from redirection.models import DeepLinkRule, DeepLinkRuleChange, DeepLinkRuleUse, UnmatchedLink
first, second = dt.date(2026, 1, 1), dt.date(2026, 1, 2)
number = DeepLinkRule.objects.earliest("pk").pk
for day in (second, first):
    DeepLinkRuleUse.objects.note({number: day})
    UnmatchedLink.objects.add_loads({("/foo/*", day): 2})
    UnmatchedLink.objects.add_loads({("/foo/*", day): 1})
row = UnmatchedLink.objects.by_template().get()
print(json.dumps([
    sorted(DeepLinkRule.objects.values_list("source", "target")),
    list(DeepLinkRuleChange.objects.values_list("added", "changed", "removed")),
    str(DeepLinkRuleUse.objects.get().last_used_on),
    [row["total"], str(row["first_seen"]), str(row["last_seen"])],
]))
"""
REFUSED = 2


def test_of_two_imports_that_are_wrong_together_one_is_refused(
    manage: Manage, tmp_path: Path
) -> None:
    output(manage("migrate", "--verbosity=0"))
    output(manage("flush", "--no-input", "--verbosity=0"))
    files = []
    for own, other in (("here", "there"), ("there", "here")):
        file = tmp_path / f"{own}.csv"
        # Many more rules, so that each is at work while the other one is.
        rules = "".join(f"/{own}/{number},/x\n" for number in range(3_000))
        file.write_text(f"source,target\n/{own},#/{other}\n{rules}", encoding="utf-8")
        files.append(file)
    both = [manage("import_link_rules", str(file), "--reason", "x") for file in files]
    said = [process.communicate(timeout=60) for process in both]
    assert sorted(process.returncode for process in both) == [0, REFUSED], said
    assert any("A loop of aliases" in complained for _, complained in said)
    # Nothing of it is left.
    output(manage("import_link_rules", str(files[0]), "--replace", "--reason", "x"))


def test_two_imports_at_once_and_what_is_counted(manage: Manage, tmp_path: Path) -> None:
    output(manage("migrate", "--verbosity=0"))
    output(manage("flush", "--no-input", "--verbosity=0"))
    files = [tmp_path / name for name in ("one.csv", "two.csv", "three.csv")]
    for file, own in zip(files, ("one", "two", "one"), strict=True):
        rules = "".join(f"/{own}/{number},/x\n" for number in range(300))
        file.write_text(f"source,target\n/ü,/{file.stem}\n{rules}", encoding="utf-8")
    both = [manage("import_link_rules", str(file), "--reason", "x") for file in files[:2]]
    for process in both:
        output(process)
    output(manage("import_link_rules", str(files[2]), "--replace", "--reason", "x"))

    rules, changes, last_used, unmatched = json.loads(
        output(manage("shell", "--verbosity=0", "-c", COUNT))
    )
    assert [len(rules), rules[-1]] == [301, ["/ü", "/three"]]
    # The second one changes the rule both have; the third one removes those it does not have.
    assert changes == [[0, 1, 300], [300, 1, 0], [301, 0, 0]]
    assert last_used == "2026-01-02"
    assert unmatched == [6, "2026-01-01", "2026-01-02"]
