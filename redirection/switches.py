"""The settings of all tenants, held in memory and refreshed behind the request.

No request reads the store. A thread of each worker asks every ``REDIRECTION_REFRESH``
seconds for the revision, and loads what changed since the one it holds.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass, field, replace

from django.db import Error, close_old_connections, connection

from redirection.conf import conf
from redirection.decisions import Tenant
from redirection.deep_links import DeepLink, destination_for
from redirection.forks import Work
from redirection.rule_sets import NO_RULES, RuleSet

logger = logging.getLogger(__name__)

STEPS = 20
# Seconds without an answer of the store; a slow one is no reason to worry anybody.
_SILENT_AFTER = 3.0


@dataclass(frozen=True)
class Held:
    """One consistent picture of all tenants. ``stale`` since the store stopped answering.

    ``rules`` are the operator's deep link rules, for all tenants.
    ``token`` tells this history from another that reached the same ``revision``: one from
    before a backup was restored.

    ``steps`` are the newest revisions this worker moved to, oldest first, each with the moment
    from which it served them, in milliseconds since the epoch.
    """

    revision: int
    by_tid: dict[str, Tenant] = field(default_factory=dict)
    by_name: dict[str, Tenant] = field(default_factory=dict)
    loaded: bool = True
    stale: bool = False
    steps: tuple[tuple[int, int], ...] = ()
    rules: RuleSet = NO_RULES
    token: str = ""

    def link(self, path: str, query: str = "", fragment: str = "", tid: str = "") -> DeepLink:
        """Where a legacy page lives for the tenant ``tid``, by the rules held and the table."""
        tenant = self.by_tid.get(tid)
        cloud = tenant.cloud if tenant is not None else ""
        return destination_for(path, query, fragment, tid, self.rules, cloud)

    def with_changes(
        self,
        revision: int,
        changed: list[tuple[Tenant, bool]],
        rules: RuleSet = NO_RULES,
        token: str = "",
    ) -> Held:
        """The picture after ``changed``: each tenant with whether it is enabled."""
        by_tid = dict(self.by_tid)
        for tenant, enabled in changed:
            by_tid.pop(tenant.tid, None)
            if enabled:
                by_tid[tenant.tid] = tenant
        by_name = {tenant.name: tenant for tenant in by_tid.values()}
        return Held(revision, by_tid, by_name, rules=rules, token=token)

    def served_after(self, before: Held, moment: int) -> Held:
        """The picture with the steps that led to it; ``moment`` is now."""
        steps = before.steps if self.revision >= before.revision else ()
        if not steps or steps[-1][0] != self.revision:
            steps = (*steps, (self.revision, moment))[-STEPS:]
        return replace(self, steps=steps)


NOTHING = Held(revision=0, loaded=False)
_held = NOTHING
# By the monotonic clock.
_answered = 0.0
_refreshing = Work()
# Set whenever the revision served or its staleness has changed; whoever tells others clears it.
moved = threading.Event()
_thread: threading.Thread | None = None


def held() -> Held:
    """What this worker knows now. Never touches the store."""
    return _held


def is_stale() -> bool:
    """Whether the store has failed, or has not answered for some seconds.

    A store that hangs raises nothing: only the time tells.
    """
    if _held.stale:
        return True
    # Nobody refreshes in a command, and in a worker before its first request.
    if _thread is None:
        return False
    return time.monotonic() - _answered > max(_SILENT_AFTER, 5 * conf().refresh)


def refresh() -> None:
    """Load what changed since the revision held. Keeps the last known state if the store fails."""
    global _held, _answered
    with _refreshing:
        before = _held
        try:
            newer = _newer(before)
            if newer is not before:
                _held = newer.served_after(before, time.time_ns() // 1_000_000)
            _answered = time.monotonic()
        except Error as error:
            if not before.stale:
                logger.warning("Settings cannot be read, the last known ones stay: %s", error)
            _held = replace(before, stale=True)
        if (_held.revision, _held.stale) != (before.revision, before.stale):
            moved.set()


def changed() -> None:
    """This process has committed a change: a worker knows it at once, a command need not."""
    if _held.loaded:
        refresh()


def forget() -> None:
    """Back to the state before the first load."""
    global _held
    with _refreshing:
        _held = NOTHING


def start() -> None:
    """Load once, then keep refreshing in a thread of this process, and of every child."""
    if conf().refresh <= 0:
        return
    refresh()
    _start_thread()


def _newer(before: Held) -> Held:
    # Models need the app registry.
    from redirection.models import DeepLinkRule, DeepLinkRuleChange, Revision, Tenant as TenantRow

    revision, token = Revision.newest()
    if before.loaded and (revision, token) == (before.revision, before.token):
        return replace(before, stale=False) if before.stale else before
    base = before if before.loaded and _goes_on(before, revision) else NOTHING
    rows = (
        TenantRow.objects.filter(revision__gt=base.revision)
        if base.loaded
        else (TenantRow.objects.all())
    )
    changed = [(row.as_held(), row.enabled) for row in rows.iterator()]
    rules, rules_revision = base.rules, DeepLinkRuleChange.latest_revision()
    if rules.revision != rules_revision:
        rules = RuleSet(DeepLinkRule.objects.as_rules(), rules_revision)
        if rules.unusable:
            logger.warning("Deep link rules that cannot be used: %s", rules.unusable[:20])
    if before.revision != revision:
        logger.info("Serving revision %d", revision)
    return base.with_changes(revision, changed, rules, token)


def _goes_on(before: Held, revision: int) -> bool:
    """Whether the store's history goes on from what is held.

    A restored store may be older, or have gone another way since: then all is read again.
    """
    from redirection.models import Revision

    return revision > before.revision and Revision.was(before.revision, before.token)


def _keep_refreshing() -> None:
    while (seconds := conf().refresh) > 0:
        time.sleep(seconds)
        try:
            close_old_connections()
            refresh()
        except Exception:  # The thread must outlive whatever goes wrong once.
            logger.exception("Settings could not be refreshed")
            connection.close()


def _start_thread() -> None:
    global _thread
    if _thread is None or not _thread.is_alive():
        _thread = threading.Thread(target=_keep_refreshing, name="switches", daemon=True)
        _thread.start()


def _after_fork() -> None:
    global _thread, moved
    # Threads do not survive a fork, and this one's lock may have been held by one of them.
    moved = threading.Event()
    if _thread is not None:
        _thread = None
        _start_thread()


os.register_at_fork(after_in_child=_after_fork)
