"""Which page loads the hand-over page may move to another count: those counted on this site.

The redirect carries a claim, ``<moment>.<signature>``: when the load was counted, in
milliseconds since the epoch in hexadecimal, signed together with tenant and path. It names
nobody and is stored nowhere.
"""

from __future__ import annotations

import base64
import hmac

from redirection.conf import Conf

# A browser is on its way for seconds (milliseconds).
_GOOD_FOR = 5 * 60_000
# 128 bits of a SHA-256 HMAC; RFC 2104, 5 allows half the output.
_SIGNATURE_BYTES = 16
# Characters of a claim: a moment of our time, a dot, and the signature in base64.
LENGTH = 11 + 1 + 22


def claim(conf: Conf, tid: str, path: str, now: int) -> str:
    """What shows that a load of ``path`` (without its query) was counted at ``now``."""
    moment = f"{now:x}"
    return f"{moment}.{_signature(conf.session_keys[0], tid, path, moment)}"


def counted_at(conf: Conf, tid: str, path: str, claimed: str, now: int) -> int | None:
    """The moment the load was counted; None where the claim is not ours or too old."""
    if not claimed.isascii():
        return None
    moment, _, signature = claimed.partition(".")
    for key in conf.session_keys:
        if hmac.compare_digest(signature, _signature(key, tid, path, moment)):
            at = int(moment, 16)
            # Another server's clock may be ahead.
            return at if abs(now - at) <= _GOOD_FOR else None
    return None


def _signature(key: bytes, tid: str, path: str, moment: str) -> str:
    # No legacy session begins with this word: neither signature passes for the other.
    text = f"counted.{tid}.{moment}.{path}"
    digest = hmac.digest(key, text.encode(errors="replace"), "sha256")
    return base64.urlsafe_b64encode(digest[:_SIGNATURE_BYTES]).rstrip(b"=").decode()
