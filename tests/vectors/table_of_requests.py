"""Conformance vectors: what kind of request it is, which host it is for, and where it leads."""

from __future__ import annotations

from urllib.parse import quote

from tests.vectors.lines import PAGE, begins, goes, hand_over, line, stays, tenant, unread
from tests.vectors.worlds import GOV_DESTINATION, TIDS, Json

OLD = {"Accept": PAGE["Accept"]}
FRAME = {"Accept": PAGE["Accept"], "Sec-Fetch-Mode": "navigate"}


def _let_through(name: str, method: str = "GET", form: bool = False, **headers: str) -> Json:
    sent = {key.replace("_", "-"): value for key, value in headers.items()}
    return stays(name, "not_page_load", method=method, headers=sent, form=form)


def _refused(name: str, **more: str) -> Json:
    headers = PAGE | {key.replace("_", "-"): value for key, value in more.items()}
    return line(name, "refuse", "ahead_of_time", headers=headers)


CLASSES: list[Json] = [
    goes("an old browser", headers=OLD),
    goes("a command line", headers={"Accept": "*/*"}),
    goes("HEAD of a page", method="HEAD"),
    goes("HEAD of the start page claims nothing", hand_over(claim=False), method="HEAD",
         target="/"),
    _refused("a prefetch", Sec_Purpose="prefetch"),
    _refused("a prerender", Sec_Purpose="prefetch;prerender"),
    _refused("an older prefetch", Purpose="prefetch"),
    _refused("the oldest prefetch", X_Moz="prefetch"),
    line("a prefetch while off", "refuse", "ahead_of_time", who="fabrikam",
         host="fabrikam.portal.localhost", headers=PAGE | {"Sec-Purpose": "prefetch"}),
    stays("passed on by a service worker", "not_page_load", host="fabrikam.portal.localhost",
          headers=FRAME | {"Sec-Fetch-Dest": "empty"}, sets=begins("fabrikam")),
    _let_through("passed on, while on it begins nothing", Accept="*/*",
                 Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="empty"),
    *(
        stays(f"in an element: {dest}", "not_page_load", headers=FRAME | {"Sec-Fetch-Dest": dest})
        for dest in ("iframe", "frame", "embed", "object", "fencedframe")
    ),
    _let_through("a form", "POST", form=True, Sec_Fetch_Mode="navigate",
                 Sec_Fetch_Dest="document"),
    _let_through("a form of an old browser", "POST", form=True, Accept="text/html"),
    _let_through("an upload", "POST", form=True, Content_Type="multipart/form-data; boundary=x",
                 Sec_Fetch_Mode="navigate"),
    _let_through("an upload by script", "PUT", form=True, Sec_Fetch_Mode="cors"),
    _let_through("fetch()", Sec_Fetch_Mode="cors", Sec_Fetch_Dest="empty", Accept="*/*"),
    _let_through("fetch() that takes HTML", Sec_Fetch_Mode="same-origin", Sec_Fetch_Dest="empty",
                 Accept="text/html"),
    _let_through("an old background call", X_Requested_With="XMLHttpRequest",
                 Accept="text/html"),
    _let_through("a background call that sends", "POST", Sec_Fetch_Mode="cors",
                 Sec_Fetch_Dest="empty"),
    _let_through("an event stream", Accept="text/event-stream", Sec_Fetch_Mode="cors",
                 Sec_Fetch_Dest="empty"),
    _let_through("an event stream of an old browser", Accept="text/event-stream"),
    _let_through("a socket", Upgrade="websocket", Connection="Upgrade", Accept="text/html"),
    _let_through("a socket, as browsers say", Sec_Fetch_Mode="websocket",
                 Sec_Fetch_Dest="empty"),
    _let_through("a service worker", Service_Worker="script", Accept="*/*",
                 Sec_Fetch_Mode="same-origin", Sec_Fetch_Dest="serviceworker"),
    _let_through("a worker", Accept="*/*", Sec_Fetch_Mode="same-origin", Sec_Fetch_Dest="worker"),
    *(
        _let_through(f"part of a page: {dest}", Accept="*/*", Sec_Fetch_Mode="no-cors",
                     Sec_Fetch_Dest=dest)
        for dest in ("image", "style", "script", "font", "video", "manifest")
    ),
    _let_through("an API client", Accept="application/json"),
    _let_through("a client that says nothing"),
    _let_through("HTML refused", Accept="text/html;q=0, */*"),
    *(
        _let_through(f"{method}", method, Accept="text/html")
        for method in ("PATCH", "DELETE", "OPTIONS")
    ),
]  # fmt: skip

EXEMPT: list[Json] = [
    stays(f"no page: {target}", "exempt", target=target)
    for target in (
        "/api/v1/alerts/", "/api", "/api?a=1", "/cas/api/", "/oauth2/login", "/saml/consumer",
        "/auth/complete/", "/static/a.js", "/download/x", "/downloads/x", "/.well-known/x",
        "/favicon.ico", "/robots.txt", "/%61pi/v1",
    )
] + [goes("a page whose name begins like one", hand_over("/apiary"), target="/apiary")]  # fmt: skip

ON, OFF, TID = TIDS["contoso"], TIDS["fabrikam"], TIDS["contoso"]
BARE = {"host": "portal.localhost"}
HOSTS: list[Json] = [
    *(
        goes(f"host {host}", host=host)
        for host in (
            "contoso.us2.portal.localhost", "contoso.eu.portal.localhost",
            "contoso.old.localhost", "CONTOSO.Portal.LocalHost", "contoso.portal.localhost:8443",
            "contoso.portal.localhost.",
        )
    ),
    *(
        stays(f"host {host}", "not_legacy", host=host)
        for host in (
            "contoso.mars.portal.localhost", "a.contoso.portal.localhost", "contoso.localhost",
            "portal.localhost.evil.example", "contoso.portal.localhost.evil.example",
            "contoso_x.portal.localhost", "-contoso.portal.localhost",
        )
    ),
    stays("host of a region", "unknown_tenant", host="eu.portal.localhost"),
    goes("tid on the bare domain", f"/cloudapps/activity-log?tid={TID}",
         target=f"/audits?tid={TID}", **BARE),
    goes("tid in capitals", f"/cloudapps/activity-log?tid={TID.upper()}",
         target=f"/audits?tid={TID.upper()}", **BARE),
    goes("tid, percent-encoded name", f"/cloudapps/activity-log?a=1&tid={TID}",
         target=f"/audits?a=1&tid={TID}", **BARE),
    goes("the first tid counts", f"/cloudapps/activity-log?tid={ON}&tid={OFF}",
         target=f"/audits?tid={ON}&tid={OFF}", **BARE),
    stays("the first tid counts, off", "off", target=f"/audits?tid={OFF}&tid={ON}", **BARE,
          who="fabrikam", sets=begins("fabrikam")),
    stays("tid before the host", "off", target=f"/audits?tid={OFF}", who="fabrikam",
          sets=begins("fabrikam")),
    goes("a tid nobody knows: the host", "/cloudapps/activity-log?tid=elsewhere",
         target="/audits?tid=elsewhere"),
    stays("a tid nobody knows on the bare domain", "unknown_tenant", target="/?tid=elsewhere",
          cookies=(tenant(),), **BARE),
    goes("the tenant visited last", cookies=(tenant(),), **BARE),
    stays("the tenant visited last, off", "off", who="fabrikam", cookies=(tenant("fabrikam"),),
          sets=begins("fabrikam"), **BARE),
    stays("a tenant visited last that nobody knows", "unknown_tenant",
          cookies=({"raw": "legacy_tenant=nobody"},), **BARE),
]  # fmt: skip


def _way(target: str) -> str:
    """The hand-over page's address for ``target``, which is plain ASCII."""
    return hand_over(quote(target, safe="/"))


FILTER = "activity.id=eq(5f2a,)&b=i:2"
LONG = "activity.id=eq(" + "a" * 8_000 + ",)"
LINKS: list[Json] = [
    goes("a page with its filters", f"/cloudapps/activity-log?{FILTER}",
         target=f"/audits?{FILTER}"),
    goes("the start page", hand_over(), target="/"),
    goes("the start page with parameters", _way("/?a=1&b=2"), target="/?a=1&b=2"),
    goes("one alert has another number", _way("/alerts/5f2a"), target="/alerts/5f2a"),
    goes("a page nobody knows", _way("/never/heard/of?a=1"), target="/never/heard/of?a=1"),
    goes("a feature that left", _way("/security-configuration"),
         target="/security-configuration"),
    goes("a page by another name", "/cloudapps/discovery?tab=apps", target="/discovered-apps"),
    goes("a link of 8 kB", f"/cloudapps/activity-log?{LONG}", target=f"/audits?{LONG}"),
    goes("too long for a redirect", hand_over("/audits"), target="/audits?" + "%5B" * 5_400),
    goes("letters", "/cloudapps/activity-log?q=%C3%A9%E2%9C%93",
         target="/audits?q=%C3%A9%E2%9C%93"),
    goes("letters in the path", _way("/%C3%A9t%C3%A9"), target="/%C3%A9t%C3%A9"),
    unread(goes("letters that are not encoded", _way("/%C3%A9t%C3%A9"),
                target="/\xc3\xa9t\xc3\xa9"), "bad_target"),
    goes("bytes that are no letters", _way("/%25FF%25FE"), target="/%FF%FE"),
    goes("encoded twice", "/cloudapps/activity-log?a=%2525", target="/audits?a=%2525"),
    goes("two slashes", _way("//evil.example/a"), target="//evil.example/a"),
    goes("a backslash", _way("/%5Cevil.example"), target="/%5Cevil.example"),
    goes("a user", _way("/@evil.example"), target="/@evil.example"),
    goes("encoded slashes", _way("///evil.example"), target="/%2f%2fevil.example"),
    goes("a line break", _way("/%0D%0ALocation:%20//evil.example"),
         target="/%0d%0aLocation:%20//evil.example"),
    goes("a line break in the query", "/cloudapps/activity-log?a=%0d%0aX:1",
         target="/audits?a=%0d%0aX:1"),
    goes("a null byte", _way("/%00"), target="/%00"),
    goes("a question mark in the path", _way("/a%3Fb"), target="/a%3Fb"),
    goes("an address in a parameter", "/cloudapps/activity-log?next=//evil.example",
         target="/audits?next=//evil.example"),
]  # fmt: skip

GOV = {"who": "woodgrove", "host": "woodgrove.portal.gov.localhost", "world": "rules"}
RULES: list[Json] = [
    goes("a rule for one page", "/new/report?a=1", target="/old-report?a=1", world="rules"),
    goes("a rule for all below", "/new/folder/x/y", target="/folder/list/x/y", world="rules"),
    goes("a rule with a pattern", "/new/items/5f2a", target="/item/5f2a/view", world="rules"),
    goes("a pattern that does not match", _way("/item/xyz/view"), target="/item/xyz/view",
         world="rules"),
    goes("a rule of one cloud", f"{GOV_DESTINATION}/gov/activity", target="/audits", **GOV),
    goes("the same page of another cloud", target="/audits", world="rules"),
    goes("a rule that says there is none", _way("/gone"), target="/gone", world="rules"),
    goes("without the rule", _way("/old-report"), target="/old-report"),
]  # fmt: skip

REQUESTS: list[Json] = [*CLASSES, *EXEMPT, *HOSTS, *LINKS, *RULES]
