"""Asking Entra ID again which roles a signed-in person has.

At most two rounds. The first shows nothing (``prompt=none``); where Entra ID needs the person
for an answer, the second asks them. Which round it is stands in the transaction of the state,
in the session on the server, so nothing in an address can make a third.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

# OpenID Connect Core 1.0, 3.1.2.6: what prompt=none answers where a page would be needed.
NEEDS_THE_PERSON = frozenset(
    {
        "login_required",
        "interaction_required",
        "consent_required",
        "account_selection_required",
    }
)


@dataclass(frozen=True)
class RoleCheck:
    """A check for ``person`` (``tid:oid``); ``hint`` is their last known address, or empty."""

    person: str
    hint: str
    is_asking: bool = False

    @classmethod
    def of(cls, transaction: dict[str, Any] | None) -> Self | None:
        """The check that a transaction belongs to, or None if it is a plain sign-in."""
        check = (transaction or {}).get("role_check")
        return cls(**check) if check else None

    @property
    def params(self) -> dict[str, str]:
        """What the authorization request says beside the usual."""
        prompt = "select_account" if self.is_asking else "none"
        # Only a hint: which account answered is decided by the token.
        return {"prompt": prompt, **({"login_hint": self.hint} if self.hint else {})}

    def asking(self) -> Self:
        """The second round."""
        return replace(self, is_asking=True)
