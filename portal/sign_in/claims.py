"""What a validly signed token must say beside what the library checks (facts on sign-in)."""

from __future__ import annotations

import time
from typing import Any

from django.utils.crypto import constant_time_compare

from portal.sign_in.identity import canonical_uuid

ISSUED_AT_MOST_SECONDS_AGO = 600


class ClaimRefused(Exception):
    """A claim is missing or wrong; ``code`` is one of the library's."""

    def __init__(self, claim: str, code: str = "invalid_claim") -> None:
        super().__init__(claim, code)
        self.claim, self.code = claim, code


def checked(claims: dict[str, Any], *, client_id: str, nonce: object) -> dict[str, Any]:
    """The claims with ``tid`` and ``oid`` in lower case, if they are for this very sign-in.

    Raises ClaimRefused otherwise.
    """
    for claim in ("exp", "iat"):
        if type(claims.get(claim)) is not int:
            raise ClaimRefused(claim, "missing_claim")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise ClaimRefused("sub", "missing_claim")
    # One audience, and it is this portal: the library also takes a list with others in it.
    if claims.get("aud") != client_id or not client_id:
        raise ClaimRefused("aud")
    if claims.get("azp", client_id) != client_id:
        raise ClaimRefused("azp")
    if claims.get("ver") != "2.0":
        raise ClaimRefused("ver")
    if time.time() - claims["iat"] > ISSUED_AT_MOST_SECONDS_AGO:
        raise ClaimRefused("iat", "response_expired")
    if not _is_same(claims.get("nonce"), nonce):
        raise ClaimRefused("nonce", "nonce_mismatch")
    return {**claims, "tid": _uuid(claims, "tid"), "oid": _uuid(claims, "oid")}


def _is_same(nonce: object, expected: object) -> bool:
    if not isinstance(nonce, str) or not isinstance(expected, str):
        return False
    return constant_time_compare(nonce, expected)


def _uuid(claims: dict[str, Any], claim: str) -> str:
    canonical = canonical_uuid(claims.get(claim))
    if canonical is None:
        raise ClaimRefused(claim)
    return canonical
