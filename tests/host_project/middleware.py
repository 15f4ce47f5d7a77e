"""A middleware that is as asynchronous as the door it stands in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware


@sync_and_async_middleware
def async_or_not(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Passes everything on, and says in a header how."""

    async def by_await(request: HttpRequest) -> Any:
        response = await get_response(request)
        response["Passed-On"] = "async"
        return response

    def by_call(request: HttpRequest) -> Any:
        response = get_response(request)
        response["Passed-On"] = "sync"
        return response

    return by_await if iscoroutinefunction(get_response) else by_call
