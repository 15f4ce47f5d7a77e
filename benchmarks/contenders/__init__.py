"""What is compared in process: one function each, which runs in a process of its own.

A function gets ready what it needs and returns either ``Served``, an application and the requests
it is asked, or something to call. The modules import nothing that the others need.
"""

from __future__ import annotations

from typing import NamedTuple, Self


class Contender(NamedTuple):
    """``factory`` is module and function, and words for it: ``ours:door rules=10 tenants=1``.

    ``peer`` is the package that brings it, in the environment of the peers; ``server``: its store
    is PostgreSQL instead of a file.
    """

    name: str
    factory: str
    peer: str = ""
    server: bool = False

    def of_size(self, rules: int, tenants: int) -> Self:
        """The contender with these numbers where it leaves a place for them."""
        name = self.name.format(rules=rules, tenants=tenants)
        return self._replace(name=name, factory=self.factory.format(rules=rules, tenants=tenants))


_SMALL, _LARGE = "10 rules, 1 tenant", "{rules:,} rules, {tenants:,} tenants"
_FEW, _MANY = "rules=10 tenants=1", "rules={rules} tenants={tenants}"

FLOOR = Contender("floor: Django view without middleware, constant redirect", "plain:floor")
SMALL_DOOR = Contender(f"our WSGI door, redirect; {_SMALL}", f"ours:door {_FEW}")
LARGE_DOOR = Contender(f"our WSGI door, redirect; {_LARGE}", f"ours:door {_MANY}")
REQUESTS = (
    FLOOR,
    Contender("bare WSGI function, constant 302", "plain:function"),
    SMALL_DOOR,
    LARGE_DOOR,
    Contender(f"our WSGI door, never the same twice; {_LARGE}", f"ours:strangers {_MANY}"),
    Contender("top-of-stack Django middleware, constant 302", "plain:middleware"),
    Contender(f"our Django middleware, redirect; {_LARGE}", f"ours:middleware {_MANY}"),
    Contender("Django's default stack of 7 middleware around the floor", "plain:default_stack"),
    Contender("flag that is on for everyone, then redirect", "flags:waffle_flag", "django-waffle"),
    Contender("1,000 hosts, then redirect", "hosts:thousand_hosts", "django-hosts"),
    Contender("django.contrib.redirects, 10,000 rules", "redirects:contrib"),
    Contender("prefix rules matched in the database, 10,000 rules", "redirects:prefixes"),
    Contender("redirects, 10,000 rules", "redirects:wagtail", "wagtail"),
    Contender("signed-cookie session, user, setting row; SQLite", "sessions:signed_cookies"),
    Contender("session, user, setting row; SQLite", "sessions:stored"),
    Contender("session, user, setting row; SQLite, kept open", "sessions:stored kept=1"),
    Contender("session, user, setting row; PostgreSQL", "sessions:stored", server=True),
    Contender(
        "session, user, setting row; PostgreSQL, kept open", "sessions:stored kept=1", server=True
    ),
)
SMALL = Contender(f"our decision; {_SMALL}", f"ours:decision {_FEW}")
LARGE = Contender(f"our decision; {_LARGE}", f"ours:decision {_MANY}")
DECISIONS = (
    SMALL,
    LARGE,
    Contender(f"our decision, never the same twice; {_LARGE}", f"ours:strange_decisions {_MANY}"),
    Contender("our decide() alone, the facts at hand", "ours:decide_alone"),
    Contender("flag, data in memory", "flags:launchdarkly", "launchdarkly-server-sdk"),
    Contender("flag, local evaluation", "flags:flagsmith", "flagsmith"),
    Contender("flag, provider in memory", "flags:openfeature", "openfeature-sdk"),
    Contender("flag, features given at start", "flags:unleash", "unleashclient"),
    Contender("switch, local cache", "flags:waffle_switch", "django-waffle"),
)
