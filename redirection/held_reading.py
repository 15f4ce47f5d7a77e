"""Reads the picture a worker holds from the store: all of it once, then what changed."""

from __future__ import annotations

import logging
from dataclasses import replace

from redirection.held import NOTHING, Held
from redirection.held_tenants import HeldTenants
from redirection.repacking import Repacking
from redirection.rule_sets import RuleSet

logger = logging.getLogger(__name__)

_repacking = Repacking()


def newer(before: Held) -> Held:
    """The picture as the store has it now; ``before`` itself if nothing changed.

    Raises DatabaseError.
    """
    global _repacking
    # Models need the app registry.
    from redirection.models import Revision

    revision, token = Revision.newest()
    is_same = before.loaded and (revision, token) == (before.revision, before.token)
    repacked = _repacking.result
    if is_same and repacked is None:
        return replace(before, stale=False) if before.stale else before
    if is_same or (before.loaded and _goes_on(before, revision)):
        base = before
        # Both are of the same history, for it went on ever since.
        since, tenants = repacked or (before.revision, before.tenants)
        tenants = _changed_since(since, tenants)
    else:
        from redirection.tenant_columns import read_tenants

        base = NOTHING
        tenants = read_tenants()
    if before.revision != revision:
        logger.info("Serving revision %d", revision)
    after = Held(revision, tenants, rules=_rules(base), token=token)
    if repacked is not None or base is NOTHING:
        _repacking = Repacking()
    if tenants.is_worn:
        _repacking.begin(revision)
    # To read all takes a moment: much may have changed meanwhile.
    return newer(after) if base is NOTHING else after


def _goes_on(before: Held, revision: int) -> bool:
    """Whether the store's history goes on from what is held.

    A restored store may be older, or have gone another way since: then all is read again.
    """
    from redirection.models import Revision

    return revision > before.revision and Revision.was(before.revision, before.token)


def _changed_since(revision: int, tenants: HeldTenants) -> HeldTenants:
    from redirection.models import Tenant

    # In this order, or SQLite walks through all of them along another index.
    changed = Tenant.objects.filter(revision__gt=revision).order_by("revision")
    return tenants.with_changes((row.as_held(), row.enabled) for row in changed.iterator())


def _rules(base: Held) -> RuleSet:
    from redirection.models import DeepLinkRule, DeepLinkRuleChange

    revision = DeepLinkRuleChange.latest_revision()
    if base.rules.revision == revision:
        return base.rules
    rules = RuleSet(DeepLinkRule.objects.as_rules(), revision)
    if rules.unusable:
        logger.warning("Deep link rules that cannot be used: %s", rules.unusable[:20])
    return rules
