"""One receiver holds up no other: each has a lane of its own, with a time that ends."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.db import OperationalError
from django.utils import timezone

from portal.models import Person
from redirection.models import OutgoingMessage, Tenant, WebhookEndpoint
from redirection.outbox import mails, sending
from redirection.outbox.sending import LOST_MAIL_SECONDS, LOST_SECONDS, Sender, TooManyLost
from redirection.outbox.webhooks import Outcome
from tests.outbox import answered, given, hook

QUICK = "https://quick.example.com/"
FAILING = "https://failing.example.com/"
SLOW = "https://slow.example.com/"


class Receivers:
    """Some that answer at once, and some that do so when they are told to."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.mock = mock
        self.free = threading.Event()
        self.sender = Sender()
        self.called: Counter[str] = Counter()
        self.answer(QUICK, 204)
        self.answer(FAILING, 500)

    def answer(self, url: str, status: int) -> None:
        def now(_: Any) -> tuple[int, dict[str, str], str]:
            self.called[url] += 1
            return status, {}, ""

        self.mock.add_callback("POST", url, now)

    def hang(self, url: str) -> str:
        def later(_: Any) -> tuple[int, dict[str, str], str]:
            self.called[url] += 1
            self.free.wait(20)
            return 200, {}, ""

        self.mock.add_callback("POST", url, later)
        return url

    def send_until(self, is_done: Callable[[], object]) -> None:
        until = time.monotonic() + 10
        while not is_done():
            assert time.monotonic() < until
            self.sender.step()
            time.sleep(0.001)

    def let_pass(self, seconds: float) -> None:
        for lane in self.sender.lanes.values():
            lane.heard_at -= seconds

    def end(self) -> None:
        """No thread goes on into the next test."""
        self.free.set()
        for lane in (*self.sender.lanes.values(), *self.sender.lost):
            lane.thread.join(10)
            assert not lane.thread.is_alive()


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        made = Receivers(mock)
        yield made
        made.end()


def told(tenant: Tenant, person: Person, *urls: str, times: int = 1) -> list[WebhookEndpoint]:
    """A webhook for each address, with so many messages that wait."""
    hooks = [hook(tenant, url) for url in urls]
    for number in range(times):
        given(tenant, person, text=f"Number {number}")
    return hooks


def left(endpoint: WebhookEndpoint) -> int:
    return endpoint.messages.filter(sent_at=None).count()


def test_one_that_hangs_holds_up_no_other(
    contoso: Tenant, otto: Person, receivers: Receivers
) -> None:
    slow, quick = told(contoso, otto, receivers.hang(SLOW), QUICK, times=3)
    receivers.send_until(lambda: not left(quick))
    assert (left(slow), receivers.called[QUICK]) == (3, 3)
    receivers.free.set()
    receivers.send_until(lambda: not left(slow))
    assert receivers.called[SLOW] == 3


def test_one_that_hangs_is_left_after_its_time_and_not_called_beside_that(
    contoso: Tenant, otto: Person, receivers: Receivers
) -> None:
    [slow] = told(contoso, otto, receivers.hang(SLOW), times=3)
    receivers.send_until(lambda: receivers.called[SLOW])
    receivers.let_pass(LOST_SECONDS - 5)
    receivers.sender.step()
    assert len(receivers.sender.lanes) == 1
    receivers.let_pass(5)
    receivers.sender.step()
    assert (len(receivers.sender.lanes), len(receivers.sender.lost)) == (0, 1)
    assert set(slow.messages.values_list("problem", "tries")) == {("No end of the answer.", 1)}
    # As long as it holds that connection, it gets no other one, whatever is due.
    slow.messages.update(due_at=timezone.now())
    assert not receivers.sender.step()
    assert receivers.called[SLOW] == 1
    # What it says at last is too late to count; a later try does.
    receivers.end()
    receivers.send_until(lambda: not left(slow))


def test_as_many_as_there_are_lanes_hold_up_others_no_longer_than_one(
    contoso: Tenant, otto: Person, receivers: Receivers
) -> None:
    slow = [receivers.hang(f"{SLOW}{number}") for number in range(sending.MOST_LANES)]
    told(contoso, otto, *slow)
    receivers.send_until(lambda: len(receivers.called) == len(slow))
    [quick] = told(contoso, otto, QUICK)
    receivers.sender.step()
    assert receivers.called[QUICK] == 0
    receivers.let_pass(LOST_SECONDS)
    receivers.send_until(lambda: not left(quick))
    assert len(receivers.sender.lost) == len(slow)


def test_a_lane_has_its_time_for_each_message_anew(
    contoso: Tenant, otto: Person, receivers: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    gates = [threading.Event(), threading.Event()]

    def one_by_one(calls: Any) -> Iterator[Outcome]:
        for gate in gates[: len(calls)]:
            gate.wait(10)
            yield Outcome()

    monkeypatch.setattr(sending, "_call", one_by_one)
    [slow] = told(contoso, otto, SLOW, times=2)
    receivers.sender.step()
    receivers.let_pass(LOST_SECONDS - 5)
    gates[0].set()
    receivers.send_until(lambda: left(slow) == 1)
    receivers.let_pass(LOST_SECONDS - 5)
    receivers.sender.step()
    assert receivers.sender.lost == []
    gates[1].set()
    receivers.send_until(lambda: not left(slow))


def test_mail_with_its_many_steps_has_longer(
    contoso: Tenant,
    otto: Person,
    receivers: Receivers,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hang(_: Any) -> Iterator[Outcome]:
        receivers.free.wait(20)
        yield Outcome()

    monkeypatch.setattr(mails, "send", hang)
    settings.REDIRECTION_SENDS_MAIL = True
    Person.objects.filter(pk=otto.pk).update(email="otto@contoso.example")
    answered(given(contoso, otto, may_contact=True).trouble)
    receivers.sender.step()
    receivers.let_pass(LOST_MAIL_SECONDS - 5)
    receivers.sender.step()
    assert len(receivers.sender.lanes) == 1
    receivers.let_pass(5)
    receivers.sender.step()
    assert len(receivers.sender.lost) == 1


def test_too_many_that_hang_end_the_sender_which_is_started_again(
    contoso: Tenant, otto: Person, receivers: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_LOST", 1)
    told(contoso, otto, receivers.hang(SLOW))
    receivers.sender.step()
    receivers.let_pass(LOST_SECONDS)
    with pytest.raises(TooManyLost):
        receivers.sender.step()
    assert OutgoingMessage.objects.get().sent_at is None


def test_no_lease_is_over_before_its_lane() -> None:
    longest = sending.LANE_SECONDS + max(LOST_SECONDS, LOST_MAIL_SECONDS)
    assert timedelta(seconds=longest) < sending.LEASE


def test_a_lane_ends_with_a_failure_and_the_rest_is_due_again(
    contoso: Tenant, otto: Person, receivers: Receivers
) -> None:
    told(contoso, otto, FAILING, times=3)
    receivers.sender.step()
    receivers.sender.finish()
    assert receivers.called[FAILING] == 1
    assert sorted(OutgoingMessage.objects.values_list("tries", flat=True)) == [0, 0, 1]
    assert sending.due(timezone.now()).count() == 2


def test_a_lane_ends_with_its_time_and_the_rest_is_due_again(
    contoso: Tenant, otto: Person, receivers: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LANE_SECONDS", -1.0)
    [quick] = told(contoso, otto, QUICK, times=3)
    receivers.sender.step()
    receivers.sender.finish()
    assert (receivers.called[QUICK], left(quick)) == (1, 2)
    assert sending.due(timezone.now()).count() == 2


def test_what_was_delivered_while_the_store_fails_is_written_down_later(
    contoso: Tenant, otto: Person, receivers: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    [quick] = told(contoso, otto, QUICK, times=3)
    receivers.sender.step()
    for lane in receivers.sender.lanes.values():
        lane.thread.join(10)

    def fail(*_: Any) -> None:
        raise OperationalError

    with monkeypatch.context() as outage:
        outage.setattr(sending, "note", fail)
        for _ in range(3):
            with pytest.raises(OperationalError):
                receivers.sender.step()
    receivers.sender.finish()
    assert (receivers.called[QUICK], left(quick)) == (3, 0)
    assert set(quick.messages.values_list("tries", flat=True)) == {1}
