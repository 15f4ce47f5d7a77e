"""The counter knows which revisions the history went through; rows are only ever added."""

from __future__ import annotations

import pytest

from redirection.models import Change, ChangedMeanwhile, Revision, Tenant
from redirection.models.append_only import HistoryIsAppendOnly
from redirection.models.history import TRAIL
from tests.conftest import Switch


def test_the_history_went_through_its_own_revisions_and_no_others(
    contoso: Tenant, switch: Switch
) -> None:
    before = Revision.newest()
    switch(contoso, "on")
    assert Revision.was(*before)
    assert Revision.was(*Revision.newest())
    assert not Revision.was(before[0], "of another history")
    assert not Revision.was(before[0] + 5, before[1])


def test_before_the_first_change_there_was_none(db: None) -> None:
    assert (Revision.latest(), Revision.newest()) == (0, (0, ""))
    assert not Revision.was(0, "")


def test_the_trail_does_not_grow_for_ever(contoso: Tenant) -> None:
    counter = Revision.locked()
    first = Revision.newest()
    for _ in range(TRAIL + 1):
        counter.advance()
    assert str(Revision.objects.get()) == str(counter.number) == str(first[0] + TRAIL + 1)
    assert len(Revision.objects.get().trail) == TRAIL
    assert not Revision.was(*first)


def test_whoever_came_too_late_is_told_what_changed(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    assert str(Change.objects.latest()) in str(ChangedMeanwhile(Change.objects.latest()))


def test_a_row_written_over_others_is_refused_in_these_words(contoso: Tenant) -> None:
    with pytest.raises(HistoryIsAppendOnly, match=r"^The history is append-only\.$"):
        Change.objects.bulk_create([], update_conflicts=True)
