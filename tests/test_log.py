"""What the site writes to standard error: a line for each thing that happened."""

from __future__ import annotations

import logging
import sys
from http import HTTPStatus

import pytest

from portal.log import NoTracebackForRefusals


@pytest.mark.parametrize(
    ("status", "explained"),
    [(HTTPStatus.FORBIDDEN, False), (HTTPStatus.INTERNAL_SERVER_ERROR, True), (None, True)],
)
def test_only_what_is_broken_comes_with_a_traceback(
    status: HTTPStatus | None, explained: bool
) -> None:
    try:
        raise PermissionError
    except PermissionError:
        record = logging.LogRecord("x", logging.WARNING, "x", 1, "x", (), sys.exc_info())
    if status is not None:
        record.status_code = status
    assert NoTracebackForRefusals().filter(record)
    assert bool(record.exc_info) is explained
