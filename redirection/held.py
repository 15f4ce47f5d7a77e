"""What a worker holds: one consistent picture of all tenants and deep link rules. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from redirection.decisions import Tenant
from redirection.deep_links import DeepLink, destination_for
from redirection.held_tenants import NO_TENANTS, HeldTenants, Lookup
from redirection.rule_sets import NO_RULES, RuleSet

STEPS = 20


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
    tenants: HeldTenants = NO_TENANTS
    loaded: bool = True
    stale: bool = False
    steps: tuple[tuple[int, int], ...] = ()
    rules: RuleSet = NO_RULES
    token: str = ""

    @property
    def by_tid(self) -> Lookup:
        """The enabled tenants by their id, as lower-case UUID text."""
        return self.tenants.by_tid

    @property
    def by_name(self) -> Lookup:
        """The enabled tenants by their name."""
        return self.tenants.by_name

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
        return Held(revision, self.tenants.with_changes(changed), rules=rules, token=token)

    def served_after(self, before: Held, moment: int) -> Held:
        """The picture with the steps that led to it; ``moment`` is now."""
        steps = before.steps if self.revision >= before.revision else ()
        if not steps or steps[-1][0] != self.revision:
            steps = (*steps, (self.revision, moment))[-STEPS:]
        return replace(self, steps=steps)


NOTHING = Held(revision=0, loaded=False)
