"""What goes wrong with every request stands in the log once a minute."""

from __future__ import annotations

import pytest

from redirection.rare_logs import Rarely


def test_a_line_is_due_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter((100.0, 100.1, 159.9, 160.0, 160.1))
    monkeypatch.setattr("redirection.rare_logs.time.monotonic", lambda: next(moments))
    rarely = Rarely()
    assert [rarely.is_due() for _ in range(5)] == [True, False, False, True, False]
