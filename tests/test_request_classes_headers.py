"""What a request is, from the headers a server has received: every header that counts is read."""

from __future__ import annotations

import pytest

from redirection.request_classes import RequestClass, class_of

PAGE = {"HTTP_SEC_FETCH_MODE": "navigate", "HTTP_SEC_FETCH_DEST": "document"}
STYLE = {"HTTP_SEC_FETCH_DEST": "style"}
HTML = {"HTTP_ACCEPT": "text/html"}
FORM = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("GET", PAGE, "page_load"),
        ("HEAD", PAGE, "head"),
        ("GET", HTML, "old_browser"),
        ("GET", {}, "api_client"),
        ("GET", {"HTTP_ACCEPT": "*/*"}, "command_line"),
        ("GET", {"HTTP_SEC_FETCH_MODE": "navigate"}, "subresource"),
        ("GET", {**PAGE, "HTTP_SEC_FETCH_DEST": "empty"}, "passed_on"),
        ("GET", {**PAGE, "HTTP_SEC_FETCH_DEST": "iframe"}, "embedded"),
        ("GET", {**PAGE, "HTTP_SEC_FETCH_DEST": "image"}, "subresource"),
        ("HEAD", {"HTTP_SEC_FETCH_MODE": "navigate"}, "subresource"),
        ("GET", {"HTTP_SEC_FETCH_MODE": "cors", "HTTP_SEC_FETCH_DEST": "empty"}, "fetch"),
        ("GET", {**HTML, "HTTP_X_REQUESTED_WITH": "XMLHttpRequest"}, "fetch"),
        ("GET", {**HTML, "HTTP_X_REQUESTED_WITH": ""}, "fetch"),
        ("GET", {"HTTP_ACCEPT": "text/event-stream"}, "event_stream"),
        # Ahead of time, in the words of all browsers.
        ("GET", {**PAGE, "HTTP_SEC_PURPOSE": "prefetch"}, "ahead_of_time"),
        ("GET", {**PAGE, "HTTP_SEC_PURPOSE": "prerender"}, "ahead_of_time"),
        ("GET", {**PAGE, "HTTP_PURPOSE": "Prefetch"}, "ahead_of_time"),
        ("GET", {**PAGE, "HTTP_X_PURPOSE": "preview"}, "ahead_of_time"),
        ("GET", {**PAGE, "HTTP_X_MOZ": "prefetch"}, "ahead_of_time"),
        ("GET", {**HTML, "HTTP_X_MOZ": "x", "HTTP_PURPOSE": "prefetch"}, "ahead_of_time"),
        ("GET", {**PAGE, "HTTP_SEC_PURPOSE": ""}, "page_load"),
        ("GET", {**PAGE, "HTTP_SEC_PURPOSE": "something"}, "page_load"),
        (
            "GET",
            {**PAGE, "HTTP_SEC_FETCH_DEST": "style", "HTTP_PURPOSE": "prefetch"},
            "subresource",
        ),
        # With a purpose that means nothing, all other headers still count.
        ("GET", {**HTML, "HTTP_PURPOSE": "x"}, "old_browser"),
        ("GET", {**HTML, "HTTP_PURPOSE": "x", "HTTP_X_REQUESTED_WITH": "a"}, "fetch"),
        ("GET", {"HTTP_PURPOSE": "x", "HTTP_SEC_FETCH_MODE": "cors"}, "subresource"),
        ("GET", {"HTTP_PURPOSE": "x", "HTTP_SEC_FETCH_DEST": "empty"}, "fetch"),
        ("HEAD", {**PAGE, "HTTP_PURPOSE": "x"}, "head"),
        # Sockets and workers.
        ("GET", {**PAGE, "HTTP_UPGRADE": "websocket"}, "web_socket"),
        ("GET", {**PAGE, "HTTP_UPGRADE": "h2c"}, "page_load"),
        ("GET", {**PAGE, "HTTP_SERVICE_WORKER": "script"}, "worker_script"),
        ("GET", {"HTTP_SEC_FETCH_MODE": "websocket"}, "web_socket"),
        # What is sent.
        ("POST", {**PAGE, **FORM}, "form_post"),
        ("POST", {**HTML, **FORM}, "form_post"),
        ("POST", {**HTML, **FORM, "HTTP_X_REQUESTED_WITH": "a"}, "fetch"),
        ("POST", {"HTTP_SEC_FETCH_MODE": "cors", **FORM}, "fetch"),
        ("POST", {**PAGE, "CONTENT_TYPE": "Multipart/form-data; boundary=x"}, "upload"),
        ("POST", PAGE, "form_post"),
        ("DELETE", PAGE, "fetch"),
        ("PUT", PAGE, "upload"),
        ("TRACE", PAGE, "other_method"),
    ],
)
def test_what_a_request_is(method: str, headers: dict[str, str], expected: str) -> None:
    assert class_of(method, headers) is RequestClass(expected)
