"""Headers put on a response without Django's look at each of them are those Django would write."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import BadHeaderError

from redirection.answers import FOUND, Answer
from redirection.middleware import response_of
from redirection.response_headers import has_cache_control, put

HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Location", "https://security.localhost/audits?a=%22"),
    ("Cache-Control", "no-store"),
    ("Content-Length", "0"),
    ("Redirection-Decision", "new_session;revision=41"),
]


@pytest.mark.parametrize("value", ["", "plain", "caf\u00e9", "\u65e5\u672c", 'a b;c="d"'])
def test_a_header_is_the_one_django_would_write(value: str) -> None:
    ours, wanted = HttpResponse(), HttpResponse()
    put(ours, [("Redirection-Decision", value)])
    wanted["Redirection-Decision"] = value
    assert ours.serialize_headers() == wanted.serialize_headers()
    assert ours["redirection-decision"] == wanted["redirection-decision"]


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=c", "a\nb", "a\rb"])
def test_a_line_break_is_refused(value: str) -> None:
    with pytest.raises(BadHeaderError, match="newlines"):
        put(HttpResponse(), [("Location", value)])


def test_a_header_that_is_there_is_replaced_whatever_its_case() -> None:
    response = HttpResponse(headers={"CACHE-control": "public"})
    assert has_cache_control(response)
    put(response, [("Cache-Control", "private")])
    assert [header for header in response.items() if header[0].lower() == "cache-control"] == [
        ("Cache-Control", "private")
    ]
    assert not has_cache_control(HttpResponse())


def test_a_redirect_is_what_django_makes_of_its_headers() -> None:
    ours = response_of(Answer(FOUND, HEADERS, []))
    wanted = HttpResponse(status=HTTPStatus.FOUND, headers=dict(HEADERS))
    assert isinstance(ours, HttpResponseRedirect)
    assert list(ours.items()) == list(wanted.items())
    assert (ours.status_code, ours.reason_phrase, ours.content, ours.charset, ours.url) == (
        wanted.status_code, wanted.reason_phrase, b"", wanted.charset, HEADERS[1][1]
    )  # fmt: skip
    assert vars(ours).keys() - {"_has_been_logged"} == vars(wanted).keys() - {"status_code"}
    assert "Content-Type" not in response_of(Answer(FOUND, HEADERS[1:], []))


def test_what_is_done_to_one_redirect_happens_to_no_other() -> None:
    one, other = (response_of(Answer(FOUND, HEADERS, [])) for _ in range(2))
    immutable = (str, bytes, int, type(None))
    shared = [
        name
        for name, value in vars(one).items()
        if value is vars(other)[name] and not isinstance(value, immutable)
    ]
    assert shared == []
    one["X-Later"] = "a"
    one.set_cookie("a", "b")
    one.content = b"text"
    assert ("X-Later" in other, len(other.cookies), other.content) == (False, 0, b"")
