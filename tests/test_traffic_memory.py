"""Counts wait in memory, bounded, until the store has taken them; nothing is counted twice."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from datetime import date
from typing import Any
from unittest import mock
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import InterfaceError, OperationalError, connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, strategies as st

from redirection import retention, traffic
from redirection.conf import conf
from redirection.models import SessionMark, Tenant, Traffic
from redirection.models.traffic import TrafficQuerySet
from redirection.traffic import Answer
from tests.counting import counted, marked

pytestmark = pytest.mark.usefixtures("now")

NOW = 1_767_600_000_000
DAY = 86_400_000
KEPT, REDIRECTED = Answer.KEPT, Answer.REDIRECTED
ADD = TrafficQuerySet.add


@pytest.fixture
def now() -> Iterator[None]:
    """It is NOW, whatever the clock says."""
    with time_machine.travel(NOW / 1000, tick=False):
        yield


@pytest.fixture
def failing_store(db: None) -> Iterator[mock.Mock]:
    """A store that takes nothing."""
    with mock.patch.object(
        TrafficQuerySet, "add", side_effect=OperationalError("no such server")
    ) as add:
        yield add


def test_one_batch_is_a_few_statements(contoso: Tenant, fabrikam: Tenant) -> None:
    for number in range(150):
        for tenant in (contoso, fabrikam):
            traffic.count(str(tenant.tid), NOW - number * DAY, "/audits", KEPT)
            traffic.mark(str(tenant.tid), NOW - number, NOW)
    traffic.write()
    traffic.count(str(contoso.tid), NOW, "/audits", KEPT)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        traffic.write()
    assert len([one for one in queries if "INSERT" in one["sql"]]) == 1
    assert Traffic.objects.count() == SessionMark.objects.count() == 300
    assert counted(contoso) == {"/audits": (151, 0)}


def test_nothing_counted_writes_nothing(contoso: Tenant) -> None:
    traffic.write()
    with CaptureQueriesContext(connection) as queries:
        traffic.write()
    assert len(queries) == 0


def test_a_store_that_fails_loses_nothing_and_is_one_line_in_the_log(
    contoso: Tenant, failing_store: mock.Mock, caplog: pytest.LogCaptureFixture
) -> None:
    tid = str(contoso.tid)
    traffic.count(tid, NOW, "/audits", KEPT)
    traffic.mark(tid, NOW, NOW)
    traffic.write()
    traffic.count(tid, NOW, "/audits", REDIRECTED)
    traffic.mark(tid, NOW, NOW + 60_000)
    failing_store.side_effect = InterfaceError("connection already closed")
    traffic.write()
    assert [record.getMessage() for record in caplog.records] == [
        "Counts cannot be written, they stay in memory: no such server"
    ]
    failing_store.side_effect = lambda counts: ADD(Traffic.objects.all(), counts)
    for _ in range(2):
        assert counted(contoso) == {"/audits": (1, 1)}
    assert marked(contoso.tid) == [(NOW, NOW + 60_000)]


def test_a_batch_is_written_completely_or_not_at_all(contoso: Tenant) -> None:
    tid = str(contoso.tid)
    traffic.count(tid, NOW, "/audits", KEPT)
    traffic.mark(tid, NOW, NOW)
    with mock.patch.object(type(SessionMark.objects.all()), "note", side_effect=OperationalError):
        traffic.write()
        assert not Traffic.objects.exists()
    assert counted(contoso) == {"/audits": (1, 0)}


def test_an_outage_is_said_anew_after_the_store_came_back(
    contoso: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        traffic.count(str(contoso.tid), NOW, "/audits", KEPT)
        with mock.patch.object(TrafficQuerySet, "add", side_effect=OperationalError("down")):
            traffic.write()
            traffic.write()
        traffic.write()
    assert len(caplog.records) == 2


@pytest.mark.django_db(transaction=True)
def test_a_tenant_deleted_meanwhile_takes_only_its_own_counts_along(
    caplog: pytest.LogCaptureFixture,
) -> None:
    left = Tenant.objects.create(tid=uuid4(), name="left", title="Left")
    for tid in (left.tid, uuid4()):
        traffic.count(str(tid), NOW, "/audits", KEPT)
        traffic.mark(str(tid), NOW, NOW)
    assert counted(left) == {"/audits": (1, 0)}
    assert marked(left.tid) == [(NOW, NOW)]
    assert Traffic.objects.count() == SessionMark.objects.count() == 1
    assert caplog.records == []


def test_whatever_the_traffic_memory_is_bounded(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, failing_store: mock.Mock
) -> None:
    monkeypatch.setattr(traffic, "MOST_KEYS", 100)
    for number in range(1_000):
        tid = str(UUID(int=number))
        traffic.count(tid, NOW, "/audits", KEPT)
        traffic.count(tid, NOW, "/audits", KEPT)
        traffic.mark(tid, NOW, NOW)
    assert len(traffic.counted()) == len(traffic._marks) == 100
    traffic.write()
    for number in range(1_000, 2_000):
        traffic.count(str(UUID(int=number)), NOW, "/audits", KEPT)
        traffic.mark(str(UUID(int=number)), NOW, NOW)
        if number % 100 == 0:
            traffic.write()
    assert len(traffic.counted()) == len(traffic._marks) == 100
    lost = [record.getMessage() for record in caplog.records if "lost" in record.getMessage()]
    # 900 pages twice, and 900 sessions.
    assert lost[0] == "2700 counts were lost: more than 100 different ones"
    # One line a write.
    assert len(lost) == 11


def test_a_key_that_is_there_is_counted_on_when_memory_is_full(
    monkeypatch: pytest.MonkeyPatch, contoso: Tenant
) -> None:
    monkeypatch.setattr(traffic, "MOST_KEYS", 1)
    tid = str(contoso.tid)
    for _ in range(3):
        traffic.count(tid, NOW, "/audits", KEPT)
        traffic.mark(tid, NOW, NOW)
    traffic.mark(tid, NOW, NOW + 1)
    traffic.count(tid, NOW, "/files", KEPT)
    assert counted(contoso) == {"/audits": (3, 0)}
    assert marked(contoso.tid) == [(NOW, NOW + 1)]


def test_a_move_that_finds_no_room_happens_not_at_all(
    monkeypatch: pytest.MonkeyPatch, contoso: Tenant
) -> None:
    monkeypatch.setattr(traffic, "MOST_KEYS", 2)
    tid = str(contoso.tid)
    for route in ("?", "/files"):
        traffic.count(tid, NOW, route, KEPT)
    traffic.move(tid, NOW, ("?", KEPT), ("/audits", KEPT))
    assert counted(contoso) == {"?": (1, 0), "/files": (1, 0)}
    for route in ("?", "/audits"):
        traffic.count(tid, NOW, route, KEPT)
    traffic.move(tid, NOW, ("?", KEPT), ("/audits", KEPT))
    assert counted(contoso) == {"?": (1, 0), "/files": (1, 0), "/audits": (2, 0)}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["count", "move", "write", "fail"]),
        st.sampled_from(["?", "/", "/audits", "/alerts/*"]),
        st.sampled_from(["?", "/", "/audits", "/alerts/*"]),
        st.sampled_from(list(Answer)),
    ),
    max_size=30,
)


@given(steps=STEPS)
def test_the_sum_is_always_the_number_of_loads(steps: list[tuple[str, str, str, Answer]]) -> None:
    traffic.forget()
    stored: dict[Any, list[int]] = {}
    loads = 0

    def keep(counts: traffic.Counts, marks: traffic.Marks) -> None:
        for key, values in counts.items():
            before = stored.setdefault(key, [0, 0])
            stored[key] = [one + other for one, other in zip(before, values, strict=True)]

    with (
        mock.patch.object(traffic, "_insert") as insert,
        mock.patch.object(retention, "let_go"),
    ):
        for what, route, other, answer in [*steps, ("write", "", "", KEPT)]:
            insert.side_effect = OperationalError("down") if what == "fail" else keep
            if what == "count":
                traffic.count("tid", NOW, route, answer)
                loads += 1
            elif what == "move":
                traffic.move("tid", NOW, (route, KEPT), (other, answer))
            else:
                traffic.write()
    assert sum(map(sum, stored.values())) == loads


def test_threads_that_count_at_once_lose_nothing(contoso: Tenant) -> None:
    tid = str(contoso.tid)
    done: list[traffic.Counts] = []

    def count() -> None:
        for _ in range(5_000):
            traffic.count(tid, NOW, "?", KEPT)
            traffic.move(tid, NOW, ("?", KEPT), ("/audits", KEPT))
            traffic.mark(tid, NOW, NOW)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        done.append(traffic._taken()[0])
    done.append(traffic._taken()[0])
    sums: dict[str, int] = {}
    for counts in done:
        for (_, _, route), (kept, _) in counts.items():
            sums[route] = sums.get(route, 0) + kept
    assert sums == {"?": 0, "/audits": 20_000}


def test_two_writes_never_overlap() -> None:
    both = threading.Barrier(2)
    met: list[bool] = []

    def store(counts: traffic.Counts, marks: traffic.Marks) -> None:
        try:
            both.wait(0.2)
        except threading.BrokenBarrierError:
            met.append(False)
        else:
            met.append(True)

    with (
        mock.patch.object(traffic, "_store", store),
        mock.patch.object(retention, "let_go"),
    ):
        threads = [threading.Thread(target=traffic.write) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert met == [False, False]


def test_putting_back_a_batch_holds_up_nobody_for_long(
    failing_store: mock.Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[int] = []

    def others_count(seconds: float) -> None:
        assert not traffic._lock.locked()
        pauses.append(len(traffic.counted()) + len(traffic._marks))
        traffic.count("tid", NOW, "/audits", KEPT)
        traffic.mark("tid", NOW, NOW)

    for number in range(1_200):
        traffic.count("tid", NOW - number * DAY, "/files", KEPT)
        traffic.mark("tid", NOW - number, NOW - number)
    monkeypatch.setattr(traffic, "time", mock.Mock(sleep=others_count))
    traffic.write()
    # In between there are the page and the session counted meanwhile as well.
    assert pauses == [500, 1_002, 1_202, 1_701, 2_201, 2_401]
    counted = traffic.counted()
    assert counted.pop(("tid", NOW // DAY, "/audits")) == [6, 0]
    assert list(counted.values()) == [[1, 0]] * 1_200
    assert traffic._marks == {("tid", NOW - number): NOW - number for number in range(1_200)}


def test_a_child_process_counts_for_itself() -> None:
    traffic.count("tid", NOW, "/audits", KEPT)
    traffic.mark("tid", NOW, NOW)
    read, write = os.pipe()
    with traffic._lock:
        child = os.fork()
        if child == 0:
            try:
                # A child that waits for a lock nobody gives back ends all the same.
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.alarm(20)
                traffic.count("tid", NOW, "/files", KEPT)
                os.write(write, repr((traffic.counted(), traffic._marks)).encode())
            finally:
                os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert os.read(read, 1000) == b"({('tid', 20458, '/files'): [1, 0]}, {})"
    os.close(read)
    os.close(write)
    assert len(traffic.counted()) == len(traffic._marks) == 1


def test_an_end_counts_before_a_later_or_earlier_mark(contoso: Tenant) -> None:
    tid = str(contoso.tid)
    for first, second in ((NOW, -NOW), (-NOW, NOW)):
        for between in (False, True):
            SessionMark.objects.all().delete()
            traffic.mark(tid, 1, first)
            if between:
                traffic.write()
            traffic.mark(tid, 1, second)
            assert marked(contoso.tid) == [(1, -NOW)]


def test_a_mark_never_goes_back(contoso: Tenant) -> None:
    for seen in (NOW + 1, NOW):
        traffic.mark(str(contoso.tid), 1, seen)
        assert marked(contoso.tid) == [(1, NOW + 1)]


def test_old_rows_are_let_go(contoso: Tenant, fabrikam: Tenant, monkeypatch: Any) -> None:
    monkeypatch.setattr(retention, "CHUNK", 3)
    settings = conf()
    kept_for = (settings.session_limit + settings.session_idle) * 1000
    for number in range(1, 6):
        for tenant in (contoso, fabrikam):
            tid, old, young = str(tenant.tid), NOW - kept_for - number, NOW - kept_for + number
            for moment in (old, young):
                traffic.mark(tid, moment, moment)
                traffic.mark_end(tid, moment - 100, moment)
            first_day = NOW - (settings.traffic_days - 1) * DAY
            traffic.count(tid, first_day - number * DAY, "/audits", KEPT)
            traffic.count(tid, first_day + number * DAY, "/audits", KEPT)
            traffic.count(tid, first_day, "/files", KEPT)
    assert counted(contoso) == {"/audits": (5, 0), "/files": (5, 0)}
    assert SessionMark.objects.count() == 20
    assert not SessionMark.objects.over_before(NOW - kept_for).exists()


def old_mark(tenant: Tenant, number: int) -> tuple[tuple[str, int], int]:
    return (str(tenant.tid), number), number


def test_one_look_deletes_however_many_there_are(contoso: Tenant, monkeypatch: Any) -> None:
    monkeypatch.setattr(retention, "CHUNK", 10)
    SessionMark.objects.note(dict(old_mark(contoso, number) for number in range(1_000)))
    traffic.write()
    assert not SessionMark.objects.exists()


def test_a_look_that_takes_long_goes_on_with_the_next_write(
    contoso: Tenant, monkeypatch: Any
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 10)
    monkeypatch.setattr(retention, "MOST_SECONDS", 0)
    SessionMark.objects.note(dict(old_mark(contoso, number) for number in range(25)))
    old_day = date(2020, 1, 1)
    Traffic.objects.add({(str(contoso.tid), old_day, "/audits"): (1, 0)})
    left = []
    for _ in range(4):
        traffic.write()
        left.append((SessionMark.objects.count(), Traffic.objects.count()))
        SessionMark.objects.note(dict([old_mark(contoso, 99)] if left[-1] == (0, 0) else []))
    # What has got too old since then waits for the next look.
    assert left == [(15, 1), (5, 1), (0, 0), (1, 0)]


def test_it_looks_for_old_rows_every_ten_minutes_only(
    contoso: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mock.patch.object(retention, "_delete") as delete:
        calls = []
        for seconds in (0, 1, 599, 601):
            monkeypatch.setattr(retention.time, "monotonic", lambda seconds=seconds: seconds)
            traffic.write()
            calls.append(delete.call_count)
    once = calls[0]
    assert once > 0
    assert calls == [once, once, once, 2 * once]


def test_a_batch_that_was_written_is_not_put_back_when_letting_go_fails(contoso: Tenant) -> None:
    traffic.count(str(contoso.tid), NOW, "/audits", KEPT)
    with mock.patch.object(retention, "_delete", side_effect=OperationalError("down")):
        traffic.write()
    assert counted(contoso) == {"/audits": (1, 0)}
