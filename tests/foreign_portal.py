"""A small legacy portal that is not ours, and a destination that sends everybody back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partialmethod
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.auth.decorators import login_not_required
from django.core.servers.basehttp import ThreadedWSGIServer
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template import RequestContext, Template
from django.test.testcases import QuietWSGIRequestHandler
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from pytest_django.live_server_helper import LiveServer

from redirection import legacy_sessions
from redirection.conf import conf
from redirection.models import Tenant

# As strict as a page can be that runs scripts at all.
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'"
)
PAGE = Template(
    """{% load redirection %}<!doctype html><html lang="en"><head>{% portal_script %}
    <title>Foreign</title></head><body>{% legacy_banner %}
    <main tabindex="-1"><h1>{{ request.path }}</h1><a href="/files">Same tab</a>
    <a href="/files" target="_blank">New tab</a><a href="{{ other }}">Other host</a>
    <a href="{{ other }}" target="_blank">Other host, new tab</a>
    <form method="post" action="/save"><label>Text <textarea name="text"></textarea></label>
    <button>Save</button></form><form method="post" action="/sign-out"><button>Sign out</button>
    </form></main></body></html>"""
)
PASSES_ON = (
    "self.addEventListener('install', () => self.skipWaiting());"
    "self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));"
    "self.addEventListener('fetch', event => event.respondWith(fetch(event.request)));"
)
ANSWERS: list[str] = []


@login_not_required
@csrf_exempt
def foreign(request: HttpRequest, address: str = "") -> Any:
    """Whatever a legacy portal does."""
    match address:
        case "events":
            return StreamingHttpResponse([b"data: first\n\n"], content_type="text/event-stream")
        case "socket":
            # No server for sockets here: it is enough that the handshake arrives.
            ANSWERS.append(request.headers.get("Upgrade", ""))
            return HttpResponse(status=HTTPStatus.UPGRADE_REQUIRED)
        case "upload":
            return HttpResponse(str(len(request.FILES["file"])))
        case "worker.js":
            return HttpResponse(PASSES_ON, content_type="text/javascript")
        case "export.csv":
            return HttpResponse("a,b", headers={"Content-Disposition": "attachment"})
        case "save":
            ANSWERS.append(request.POST["text"])
            return HttpResponseRedirect("/saved", status=HTTPStatus.SEE_OTHER)
        case "sign-out":
            response = HttpResponseRedirect("/")
            legacy_sessions.end(conf(), request.COOKIES, response, "portal.localhost")
            return response
    here = request.get_host()
    other = here.replace(".eu.", ".") if ".eu." in here else here.replace(".", ".eu.", 1)
    context = RequestContext(request, {"request": request, "other": f"http://{other}/files"})
    return HttpResponse(PAGE.render(context), headers={"Content-Security-Policy": POLICY})


urlpatterns = [
    path("", include("redirection.legacy_urls")),
    path("", foreign),
    path("<path:address>", foreign),
]


class ForeignPortalMiddleware:
    """Legacy hosts get the foreign portal; ``back.localhost`` sends everybody back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = request.get_host()
        if host.startswith("back."):
            legacy = f"http://{host.replace('back.', 'contoso.portal.')}/files"
            return HttpResponse(f'<meta http-equiv="refresh" content="0;url={legacy}">')
        if ".portal." in host:
            request.urlconf = "tests.foreign_portal"
        return self.get_response(request)


@dataclass
class ForeignPortal:
    """The running portal; a switch counts for the very next request."""

    port: int
    tenant: Tenant
    settings: Any

    def url(self, host: str = "contoso", path: str = "/") -> str:
        name = f"{host}.localhost" if host in ("security", "back") else f"{host}.portal.localhost"
        return f"http://{name}:{self.port}{path}"

    def leads_to(self, host: str) -> None:
        """The destination is this host."""
        destination = self.url(host, "")
        cloud = {"legacy": ["portal.localhost"], "destination": destination}
        self.settings.REDIRECTION_CLOUDS = {"commercial": cloud}

    def switch(self, wanted: str) -> None:
        self.tenant.switch_redirection(
            wanted, reason_kind="trial", reason="The test asks for it", channel="command",
            operator="a test",
        )  # fmt: skip


@pytest.fixture(scope="module")
def allow_django_beside_a_browser() -> Iterator[None]:
    """The browser's driver runs a loop in this thread, in which Django is wary."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


def small_server(monkeypatch: pytest.MonkeyPatch) -> LiveServer:
    """The site on a port of its own; each thread of it ends before the test does."""
    # A thread of the server ends with its answer, and so before the test.
    monkeypatch.setattr(QuietWSGIRequestHandler, "protocol_version", "HTTP/1.0")
    # A server that is told to stop looks up half a second later, if nobody says otherwise.
    often = partialmethod(ThreadedWSGIServer.serve_forever, poll_interval=0.02)
    monkeypatch.setattr(ThreadedWSGIServer, "serve_forever", often)
    # Whoever has left has not always waited for the answer; the server does.
    monkeypatch.setattr(ThreadedWSGIServer, "daemon_threads", False)
    return LiveServer("127.0.0.1")


@pytest.fixture
def portal(
    allow_django_beside_a_browser: None,
    transactional_db: None,
    contoso: Tenant,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ForeignPortal]:
    """The foreign portal of contoso, with redirection off."""
    ours = "portal.hosts.PortalHostMiddleware"
    theirs = "tests.foreign_portal.ForeignPortalMiddleware"
    settings.MIDDLEWARE = [theirs if name == ours else name for name in settings.MIDDLEWARE]
    settings.ALLOWED_HOSTS = ["*"]
    server = small_server(monkeypatch)
    ANSWERS.clear()
    portal = ForeignPortal(server.thread.port, contoso, settings)
    portal.leads_to("security")
    yield portal
    server.stop()
