"""A small legacy portal that is neither ours nor Django's, behind a proxy that asks the gate.

The proxy does what the files in deploy/ make nginx and Caddy do; the portal knows nothing of
this project but one tag.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse

from redirection import gate
from redirection.models import Tenant
from tests.foreign_portal import (
    PASSES_ON,
    ForeignPortal,
    allow_django_beside_a_browser,
    small_server,
)

__all__ = ["allow_django_beside_a_browser", "portal"]

KEY = "a-key-of-the-gate-that-every-reader-of-the-tests-knows"
TAG = '<script async src="/redirection/portal-script.js"></script>'
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; frame-src 'self'"
    " http://contoso.eu.portal.localhost:*;"
    " form-action 'self'; require-trusted-types-for 'script'"
)
# Everything a portal can do to what it does not know.
HOSTILE = """
:root { --banner-surface: #123; --banner-text: #123; --banner-border: red; }
html { font-size: 40px !important; direction: rtl !important }
* { font-family: cursive !important; color: #eee !important; text-transform: uppercase !important;
    pointer-events: none !important; z-index: -1 !important }
html > *, html > * * { all: unset !important; transform: rotate(3deg) !important }
html > :not(body):not(head), body ~ * { display: none !important; visibility: hidden !important;
    opacity: 0 !important; position: static !important; clip-path: inset(50%) !important }
.legacy-banner, section, form, p, a, button { display: none !important }
head { display: none !important }
"""
CONTENT = """<main tabindex="-1"><h1>{path}</h1>
<p class="legacy-banner">A class of the portal's own</p>
<a href="/files">Same tab</a> <a href="/files" target="_blank">New tab</a>
<a href="/framed">Frame</a> <a href="/framed-elsewhere">Frame of another origin</a>
<form method="post" action="/save" target="_blank"><button>Save in a new tab</button></form>
<form method="post" action="/save"><label>Text <textarea name="text"></textarea></label>
<button>Save</button></form>
<p>{filler}</p><label>Last <input name="last"></label></main>"""
EXTRAS = {
    "/hostile": '<link rel="stylesheet" href="/hostile.css">',
    "/based": '<base href="http://evil.localhost/" target="_blank">',
    "/twice": TAG,
    "/single-page": '<script src="/single-page.js" defer></script>',
    "/own-script": (
        '<body><script src="/static/redirection/portal.js" data-now="2" data-since="1" data-go '
        'data-hand-over="http://evil.localhost/" data-page-seen="//evil.localhost/"></script>'
    ),
    # What somebody wrote, and the portal shows: names that hide properties of the document.
    "/clobbered": (
        '<body><img name="currentScript"><form name="referrer"></form>'
        '<script async src="/redirection/portal-script.js" data-now="2" data-since="1" data-go '
        'data-hand-over="http://evil.localhost/" data-page-seen="//evil.localhost/"></script>'
    ),
}
REPLACES = """addEventListener("go", event => {
  const body = document.createElement("body");
  if (event.detail === "all") document.documentElement.replaceChildren(body);
  else document.body = body;
  body.append("Another page");
});"""
FILES = {
    "/hostile.css": ("text/css", HOSTILE),
    "/worker.js": ("text/javascript", PASSES_ON),
    "/single-page.js": ("text/javascript", REPLACES),
}


def page_of(request: HttpRequest) -> HttpResponse:
    """What the portal answers."""
    path = request.path_info
    if path in FILES:
        kind, text = FILES[path]
        return HttpResponse(text, content_type=kind)
    if path.startswith("/framed"):
        other = request.get_host().replace(".", ".eu.", 1)
        source = f"http://{other}/files" if path == "/framed-elsewhere" else "/files"
        content = f'<iframe src="{source}" title="Files"></iframe>'
    else:
        content = CONTENT.format(path=path, filler="Much to read. " * 150)
    tag = "" if path in ("/clobbered", "/own-script") else TAG
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>Theirs</title>'
        f"{tag}{EXTRAS.get(path, '')}</head><body>{content}</body></html>"
    )
    return HttpResponse(page, headers={"Content-Security-Policy": POLICY})


class ProxyMiddleware:
    """Stands before the whole site, as a proxy does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = request.get_host()
        if host.startswith("back."):
            legacy = f"http://{host.replace('back.', 'contoso.portal.')}/files"
            return HttpResponse(f'<meta http-equiv="refresh" content="0;url={legacy}">')
        ours = request.path_info.startswith(("/redirection/", "/static/"))
        if ours or ".portal." not in host:
            return self.get_response(request)
        call = {
            **{name: value for name, value in request.META.items() if isinstance(value, str)},
            "REQUEST_METHOD": "GET",
            "HTTP_GATEKEY": KEY,
            "HTTP_GATEMETHOD": request.method,
            "HTTP_GATEHOST": host,
            "HTTP_GATETARGET": request.get_full_path(),
        }
        answer = gate.answer_call(call)
        told = dict(answer.headers)
        if answer.status == HTTPStatus.FOUND:
            headers = {name: told[name] for name in ("Location", "Redirection-Decision")}
            response = HttpResponse(status=HTTPStatus.FOUND, headers=headers)
            response["Cache-Control"] = "no-store"
        elif answer.status == HTTPStatus.FORBIDDEN and "Redirection-Decision" in told:
            response = HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            response = page_of(request)
            for name, put in (
                ("Redirection-Server-Timing", "Server-Timing"),
                ("Redirection-Cache-Control", "Cache-Control"),
            ):
                if name in told:
                    response[put] = told[name]
        for cookie in answer.cookies:
            cookie.put_on(response)
        return response


@pytest.fixture
def portal(
    allow_django_beside_a_browser: None,
    transactional_db: None,
    contoso: Tenant,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ForeignPortal]:
    """The portal of contoso behind the gate, with redirection off."""
    settings.MIDDLEWARE = ["tests.portal_behind_gate.ProxyMiddleware", *settings.MIDDLEWARE]
    settings.ALLOWED_HOSTS = ["*"]
    settings.REDIRECTION_GATE_KEY = KEY
    server = small_server(monkeypatch)
    portal = ForeignPortal(server.thread.port, contoso, settings)
    portal.leads_to("security")
    yield portal
    server.stop()
