"""A worker reports behind its requests: at once after a change, and whatever goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError

from redirection import reports, switches, traffic
from redirection.models import Receipt, Revision, Tenant
from tests.conftest import Switch

PATIENCE = 20


class Store:
    """Stands for what the thread writes; each call is counted, and may fail."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.arrived = threading.Semaphore(0)
        self.error: Exception | None = None

    def called(self, name: str) -> Callable[..., None]:
        def call(*_: object) -> None:
            self.calls.append(name)
            self.arrived.release()
            if self.error is not None:
                raise self.error

        call.__name__ = name
        return call

    def wait_for(self, calls: int) -> None:
        for _ in range(calls):
            assert self.arrived.acquire(timeout=PATIENCE), self.calls


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    store = Store()
    monkeypatch.setattr(reports._Reporter, "report", store.called("report"))
    monkeypatch.setattr(reports._Reporter, "_withdraw", store.called("withdraw"))
    monkeypatch.setattr(traffic, "write", store.called("write"))
    return store


@pytest.fixture
def worker(store: Store, settings: Any) -> Iterator[Callable[[float], None]]:
    """Begins to report: ``worker(3)`` with a report every three seconds."""

    def begin(every: float) -> None:
        settings.REDIRECTION_REPORT = every
        switches.moved.clear()
        reports._begin()

    yield begin
    store.error = None
    reports.end()
    switches.moved.clear()


def test_it_reports_from_the_start_and_again_and_again(
    worker: Callable[[float], None], store: Store
) -> None:
    worker(0.02)
    store.wait_for(6)
    assert store.calls[:4] == ["report", "write", "report", "write"]


def test_a_change_is_reported_at_once_and_the_counts_keep_their_beat(
    worker: Callable[[float], None], store: Store
) -> None:
    worker(3600)
    store.wait_for(2)
    switches.moved.set()
    store.wait_for(1)
    assert store.calls == ["report", "write", "report"]


@pytest.mark.parametrize("error", [OperationalError("the store is gone"), RuntimeError("a bug")])
def test_it_outlives_every_error_and_says_so_once(
    error: Exception,
    worker: Callable[[float], None],
    store: Store,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store.error = error
    worker(0.01)
    store.wait_for(10)
    assert [record.getMessage() for record in caplog.records] == [
        f"Reports: report failed: {error}",
        f"Reports: write failed: {error}",
    ]
    assert all(
        bool(record.exc_info) is isinstance(error, RuntimeError) for record in caplog.records
    )

    store.error = None
    store.wait_for(10)
    store.error = error
    store.wait_for(10)
    assert len(caplog.records) == 4


def test_at_the_end_the_last_batch_is_written_and_the_receipt_withdrawn(
    worker: Callable[[float], None], store: Store
) -> None:
    worker(3600)
    store.wait_for(2)
    reports.end()
    assert store.calls == ["report", "write", "write", "withdraw"]
    reports.end()
    assert len(store.calls) == 4


def test_a_store_that_hangs_does_not_hold_up_the_end(
    worker: Callable[[float], None], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung = threading.Event()

    def hang(*_: object) -> None:
        hung.wait(PATIENCE)

    monkeypatch.setattr(reports, "_LAST_WORDS", 0.05)
    monkeypatch.setattr(reports._Reporter, "_withdraw", hang)
    worker(3600)
    store.wait_for(2)
    thread = reports._reporter.thread  # type: ignore[union-attr]
    reports.end()
    assert thread.is_alive()
    hung.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_process_that_does_not_refresh_does_not_report(store: Store, settings: Any) -> None:
    settings.REDIRECTION_REFRESH = 0
    reports.start()
    assert reports._reporter is None
    assert store.calls == []


def test_what_is_reported_is_what_is_served(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    reporter = reports._Reporter()
    reporter.report()

    receipt = Receipt.objects.get()
    assert (receipt.worker, receipt.revision) == (reporter.worker, contoso.revision)
    assert not receipt.is_stale
    assert [revision for revision, _ in receipt.steps] == [contoso.revision - 1, contoso.revision]
    assert receipt.steps[0][1] <= receipt.steps[1][1]


def test_a_worker_that_knows_nothing_does_not_pretend(db: None) -> None:
    switches.forget()
    reports._Reporter().report()
    assert Receipt.objects.get().is_stale


def test_a_change_and_an_outage_wake_the_thread(
    contoso: Tenant, switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    switches.moved.clear()
    switches.refresh()
    assert not switches.moved.is_set()
    switch(contoso, "on")
    assert switches.moved.is_set()

    switches.moved.clear()
    steps = switches.held().steps
    with monkeypatch.context() as patch:
        patch.setattr(Revision, "latest", Store().called("latest"))
        patch.setattr("redirection.switches.newer", failing)
        switches.refresh()
        assert switches.moved.is_set()
        switches.moved.clear()
        switches.refresh()
        assert not switches.moved.is_set()
    switches.refresh()
    assert switches.moved.is_set()
    # It served the same all the time.
    assert switches.held().steps == steps
    switches.moved.clear()


def test_the_newest_steps_are_kept(contoso: Tenant, switch: Switch) -> None:
    for _ in range(switches.STEPS):
        switch(contoso, "on")
        switch(contoso, "off")
    steps = switches.held().steps
    assert len(steps) == switches.STEPS
    assert steps[-1][0] == contoso.revision
    assert steps[0][0] == contoso.revision - switches.STEPS + 1


def test_a_restored_store_begins_a_new_row_of_steps(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    Revision.objects.update(number=1)
    switches.refresh()
    assert [revision for revision, _ in switches.held().steps] == [1]


def failing(*_: object) -> None:
    raise OperationalError("the store is gone")
