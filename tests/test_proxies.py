"""Behind each shipped proxy the portal works as ever, and who has to go is sent on."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
from http import HTTPStatus
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest

from tests.proxies import DEPLOY, Proxy
from tests.proxies_exchange import KEY, chunks
from tests.proxies_portal import ETAG, FILE, FOR_A_PROXY
from tests.proxies_site import TENANTS
from tests.proxies_visitors import running_session

SCRIPT = b'<script async src="/redirection/portal-script.js"></script></head>'


def test_a_new_session_is_sent_to_the_page_it_asked_for(front: Proxy) -> None:
    answer = front.ask("/alerts?activity.id=eq(abc123,)")

    assert answer.status == HTTPStatus.FOUND
    assert answer.get("Location").startswith(f"{front.site.destination}/")
    assert answer.get("Cache-Control") == "no-store"
    assert answer.get("Redirection-Decision").startswith("new_session;revision=")
    assert [cookie.split("=")[0] for cookie in answer.all("Set-Cookie")] == [
        "__Secure-legacy_tenant"
    ]
    assert not answer.all("Portal-Saw")
    assert not [name for name, _ in answer.headers if name.lower().startswith("redirection-c")]


def test_a_running_session_stays_and_is_renewed(front: Proxy) -> None:
    answer = front.ask("/alerts", Cookie=running_session("contoso"))

    assert answer.status == HTTPStatus.OK
    assert answer.get("Redirection-Decision").startswith("session_continues")
    assert sorted(
        cookie.split("=")[0].rstrip("0123456789abcdef") for cookie in answer.all("Set-Cookie")
    ) == ["__Secure-legacy_session_", "__Secure-legacy_tenant"]
    assert answer.get("Cache-Control") == "private, no-cache"
    assert b"This is the portal of contoso.portal.localhost" in answer.body


def test_a_background_call_renews_the_session_and_is_no_page(front: Proxy) -> None:
    answer = front.ask(
        "/list",
        Accept="*/*",
        Sec_Fetch_Dest="empty",
        Sec_Fetch_Mode="cors",
        Sec_Fetch_Site="same-origin",
        Cookie=running_session("contoso"),
    )

    assert answer.status == HTTPStatus.OK
    assert [cookie.split("=")[0] for cookie in answer.all("Set-Cookie")] == [
        f"__Secure-legacy_session_{TENANTS['contoso'].replace('-', '')}"
    ]
    assert answer.get("Cache-Control") == "private"
    assert not answer.all("Redirection-Decision")
    assert SCRIPT not in answer.body


def test_while_redirection_is_off_a_session_begins(front: Proxy) -> None:
    answer = front.ask("/cookies", host="fabrikam")

    names = [cookie.split("=")[0] for cookie in answer.all("Set-Cookie")]
    assert sorted(names) == [
        f"__Secure-legacy_session_{TENANTS['fabrikam'].replace('-', '')}",
        "__Secure-legacy_tenant",
        "first",
        "second",
    ]
    assert answer.get("Redirection-Decision").startswith("off;revision=")


def test_a_host_of_a_region_is_the_tenants_too(front: Proxy) -> None:
    assert front.ask("/alerts", host="contoso.eu").status == HTTPStatus.FOUND
    assert front.ask("/alerts", host="fabrikam.eu").status == HTTPStatus.OK


@pytest.mark.parametrize("tenant", ["contoso", "fabrikam"])
def test_a_link_of_8_kb_arrives_as_it_is(front: Proxy, tenant: str) -> None:
    query = "filter=" + "a%2Fb%C3%A9+" * 680
    answer = front.ask(f"/alerts?{query}", host=tenant)

    assert len(query) > 8_000
    if tenant == "contoso":
        assert answer.status == HTTPStatus.FOUND
        assert (
            answer.get("Location").count("a%2Fb") + answer.get("Location").count("a%252Fb") == 680
        )
    else:
        assert answer.saw["target"] == f"/alerts?{query}"


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/x",
        "/a//b/../c",
        "/a/%2e%2e/x",
        "/a%2fb?c=%00",
        "/x?y=a b".replace(" ", "+"),
        "/;p=1",
    ],
)
def test_an_address_reaches_the_portal_as_it_was_sent(front: Proxy, target: str) -> None:
    assert front.ask(target, host="fabrikam").saw["target"] == target


def test_a_form_arrives_and_what_follows_it_leads_on(front: Proxy) -> None:
    posted = front.ask(
        "/save",
        method="POST",
        body=b"text=" + b"a" * 100_000,
        Content_Type="application/x-www-form-urlencoded",
        Cookie=running_session("contoso"),
    )

    assert (posted.status, posted.get("Location")) == (HTTPStatus.SEE_OTHER, "/saved")
    assert posted.saw["body"][0] == 100_005
    cookies = dict(cookie.split(";")[0].split("=", 1) for cookie in posted.all("Set-Cookie"))
    assert {"saved", "__Host-legacy_form"} < set(cookies)
    form = f"__Host-legacy_form={cookies['__Host-legacy_form']}"

    # The session has ended meanwhile: the load after the form may not leave at once.
    led_on = front.ask("/saved", Cookie=form)
    assert led_on.status == HTTPStatus.FOUND
    assert led_on.get("Location") == "/redirection/lead-on?page=/saved"
    page = front.ask(led_on.get("Location"), Cookie=form)
    assert page.status == HTTPStatus.OK
    assert front.site.destination.encode() in page.body


def test_an_answer_that_leads_nowhere_leaves_no_mark_of_a_form(front: Proxy) -> None:
    posted = front.ask("/status/200", method="POST", body=b"a=b", Cookie=running_session("contoso"))
    loaded = front.ask("/status/303", Cookie=running_session("contoso"))

    assert "legacy_form" not in str(posted.headers)
    assert "legacy_form" not in str(loaded.headers)


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_of_some_megabytes_arrives_whole(front: Proxy, chunked: bool) -> None:
    body = os.urandom(1 << 20) * 5
    answer = front.ask(
        "/upload",
        method="PUT",
        body=chunks(body) if chunked else body,
        length="Transfer-Encoding: chunked" if chunked else "",
        Sec_Fetch_Mode="cors",
        Sec_Fetch_Dest="empty",
        Content_Type="application/octet-stream",
    )

    assert answer.status == HTTPStatus.OK
    assert answer.saw["body"] == [len(body), hashlib.sha256(body).hexdigest()]


def test_a_file_to_be_saved_arrives_byte_by_byte(front: Proxy) -> None:
    assert front.ask("/export", host="fabrikam").body == FILE
    assert front.ask("/large", host="fabrikam").body == FILE * 400


def test_a_page_that_has_not_changed_is_not_sent_again(front: Proxy) -> None:
    first = front.ask("/etag", host="fabrikam")
    validator = first.get("ETag")
    again = front.ask("/etag", host="fabrikam", If_None_Match=validator)

    assert validator.removeprefix("W/") == ETAG
    assert first.get("Last-Modified")
    assert (again.status, again.body) == (HTTPStatus.NOT_MODIFIED, b"")


def test_what_the_portal_says_of_caches_is_never_weakened(front: Proxy) -> None:
    # Two lines are one list (RFC 9110, 5.3), of which the strictest word counts.
    assert front.ask("/secret", host="fabrikam").all("Cache-Control").count("no-store") == 1
    assert "private, no-cache" in front.ask("/shared", host="fabrikam").all("Cache-Control")
    cookie = running_session("contoso")
    picture = {"Sec_Fetch_Dest": "image", "Sec_Fetch_Mode": "no-cors", "Accept": "image/*"}
    assert front.ask("/shared", Cookie=cookie, **picture).get("Cache-Control") == (
        "public, max-age=60"
    )


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 500, 502, 503, 504])
def test_the_portals_own_errors_stay_its_own(front: Proxy, status: int) -> None:
    answer = front.ask(f"/status/{status}", host="fabrikam")

    assert answer.status == status
    assert b"This is the portal of fabrikam" in answer.body


@pytest.mark.parametrize("target", ["/for-a-proxy", "/for-a-proxy?a=b"])
def test_what_the_portal_says_to_a_proxy_of_its_own_arrives(front: Proxy, target: str) -> None:
    answer = front.ask(target, host="fabrikam")

    assert answer.status == HTTPStatus.OK
    assert b"This is the portal of fabrikam" in answer.body
    assert {name: answer.get(name) for name, _ in FOR_A_PROXY} == dict(FOR_A_PROXY)
    assert answer.get("Content-Type") == "text/html; charset=utf-8"


def test_the_portal_is_asked_for_compressed_answers_only_if_the_client_is(front: Proxy) -> None:
    picture = {"Sec_Fetch_Dest": "image", "Sec_Fetch_Mode": "no-cors"}
    plain = front.ask("/picture", host="fabrikam", **picture)
    packed = front.ask("/picture", host="fabrikam", Accept_Encoding="br, gzip", **picture)

    assert "accept-encoding" not in plain.portal_saw
    assert packed.portal_saw["accept-encoding"] == "br, gzip"


def test_nobody_is_sent_to_a_port_that_the_files_do_not_open(front: Proxy) -> None:
    assert not front.ask("/alerts").all("Alt-Svc")
    assert not front.ask("/alerts", host="fabrikam").all("Alt-Svc")


def test_no_address_of_the_portal_is_taken_away_but_those_below_redirection(front: Proxy) -> None:
    portals = front.ask("/redirection-gate-asked", host="fabrikam")
    ours = front.ask("/redirection/gate-asked", host="fabrikam")

    assert portals.saw["target"] == "/redirection-gate-asked"
    assert (ours.status, ours.all("Portal-Saw")) == (HTTPStatus.NOT_FOUND, [])


def test_a_socket_works(front: Proxy) -> None:
    key = base64.b64encode(os.urandom(16)).decode()
    head = (
        f"GET /socket HTTP/1.1\r\nHost: {front.host('contoso')}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-Fetch-Mode: websocket\r\nSec-Fetch-Dest: empty\r\n\r\n"
    )
    with (
        socket.create_connection(("127.0.0.1", front.port), timeout=20) as plain,
        front.site.tls.wrap_socket(plain) as connection,
    ):
        connection.sendall(head.encode())
        stream = connection.makefile("rb")
        assert b" 101 " in stream.readline()
        while stream.readline() != b"\r\n":
            pass
        for word in (b"first", b"second"):
            mask = os.urandom(4)
            masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(word))
            connection.sendall(bytes([0x81, 0x80 | len(word)]) + mask + masked)
            assert stream.read(2 + len(word))[2:] == word


def test_a_stream_arrives_as_it_is_sent(front: Proxy) -> None:
    lines = f"GET /events HTTP/1.1\r\nHost: {front.host('fabrikam')}\r\nAccept: text/event-stream"
    with (
        socket.create_connection(("127.0.0.1", front.port), timeout=20) as plain,
        front.site.tls.wrap_socket(plain) as connection,
    ):
        connection.sendall(f"{lines}\r\n\r\n".encode())
        got = b""
        while b"data: first" not in got:
            got += connection.recv(65_536)
        # The second one comes a second later.
        assert b"data: second" not in got


def test_a_prefetch_is_refused_where_the_page_would_move(front: Proxy) -> None:
    answer = front.ask("/alerts", Sec_Purpose="prefetch")

    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.get("Redirection-Decision").startswith("ahead_of_time")
    assert (answer.get("Cache-Control"), answer.body) == ("no-store", b"")


def test_plain_http_is_sent_on_to_https(front: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", front.plain_port), timeout=20) as connection:
        connection.sendall(b"GET /alerts?a=b HTTP/1.1\r\nHost: contoso.portal.localhost\r\n\r\n")
        response = HTTPResponse(connection)
        response.begin()

    location = urlsplit(response.headers["Location"])
    assert response.status in (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.PERMANENT_REDIRECT)
    assert (location.scheme, location.hostname) == ("https", "contoso.portal.localhost")
    assert (location.path, location.query) == ("/alerts", "a=b")


@pytest.mark.parametrize(
    "target",
    [
        "/redirection/gate",
        "/redirection/gate?a=b",
        "//redirection/gate",
        "/redirection//gate",
        "/redirection/./gate",
        "/x/../redirection/gate",
        "/%72edirection/gate",
        "/redirection/%67ate",
        "/redirection%2Fgate",
        "/redirection/x/%2e%2e/gate",
        "/redirection/x/..%2fgate",
        "/REDIRECTION/gate",
        "/redirection/gate/",
        "/redirection/gate;x",
        "/redirection/gate-asked",
    ],
)
@pytest.mark.parametrize("key", [KEY, "a-key-that-somebody-guesses-of-32-letters"])
def test_nobody_outside_asks_the_gate(front: Proxy, target: str, key: str) -> None:
    answer = front.ask(
        target,
        Gatekey=key,
        Gatemethod="GET",
        Gatehost="contoso.portal.localhost",
        Gatetarget="/spoofed",
    )

    # Some of these are pages of the portal, and none is an answer about /spoofed.
    assert "spoofed" not in answer.get("Location")
    assert "gatekey" not in answer.portal_saw if answer.all("Portal-Saw") else True
    assert not [name for name, _ in answer.headers if name.startswith("Redirection-Location")]


def test_the_key_never_leaves_the_proxy(front: Proxy) -> None:
    staying = front.ask("/alerts", host="fabrikam")

    assert KEY not in str(staying.saw)
    assert not [name for name in staying.portal_saw if name.startswith("gate")]
    assert KEY not in str(staying.headers)


def test_nginx_puts_the_portal_script_into_pages_and_into_nothing_else(
    shared_fronts: dict[str, Proxy],
) -> None:
    front, gzip = shared_fronts["nginx"], {"Accept_Encoding": "gzip"}
    page = front.ask("/alerts", host="fabrikam", **gzip)
    background = front.ask("/alerts", host="fabrikam", Sec_Fetch_Dest="empty", **gzip)
    frame = front.ask("/alerts", host="fabrikam", Sec_Fetch_Dest="iframe", **gzip)
    old_browser = front.ask("/alerts", host="fabrikam", Sec_Fetch_Dest="", Sec_Fetch_Mode="")
    script = front.ask("/redirection/portal-script.js", Sec_Fetch_Dest="script")

    assert page.body.count(SCRIPT) == old_browser.body.count(SCRIPT) == 1
    # Text that is compressed could not take it.
    assert "accept-encoding" not in page.portal_saw
    assert background.portal_saw["accept-encoding"] == "gzip"
    assert SCRIPT not in background.body + frame.body
    assert (script.status, script.get("X-Content-Type-Options")) == (HTTPStatus.OK, "nosniff")
    assert not script.all("Redirection-Decision")


def test_what_the_gate_is_told_is_what_nginx_keeps_answers_by() -> None:
    """Otherwise two requests that are decided differently could get one answer."""
    text = (DEPLOY / "nginx" / "redirection.conf").read_text()
    asked = text.partition("location = /redirection/gate-asked {")[2].partition("\n    }")[0]
    key = text.partition('map "" $redirection_asked {')[2].partition("}")[0]
    told = set(re.findall(r"proxy_set_header \S+ (\$\w+);", asked)) - {"$redirection_gate_key"}

    assert told == set(re.findall(r"\$\w+", key))
    assert len(told) == len(re.findall(r"\$\w+", key))
    # Nothing between two of them that could stand in one.
    assert re.fullmatch(r'\s*default "(\$\w+(\\n)?)+";\s*', key)
