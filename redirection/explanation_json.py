"""An explanation for programs: the same in every language."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from redirection.explanation_texts import moment
from redirection.explanations import Explanation, Session
from redirection.models import Change
from redirection.past_states import PastState


def explanation_json(found: Explanation) -> dict[str, Any]:
    """``found`` as plain values; moments are ISO 8601 in UTC, what is not known is None."""
    asked, decision, arrival = found.question, found.visit.decision, found.arrival
    return {
        "question": {
            "host": asked.link.host,
            "address": found.request.get_full_path(),
            "fragment": asked.link.fragment,
            "method": found.request.method,
            "visitor": asked.visitor.value,
            "request_class": found.request_class.value,
            "at": _iso(asked.at),
        },
        "decision": {
            "goes": decision.go,
            "refused": decision.refuse,
            "by_script": found.by_script,
            "reason": decision.reason.value,
            "exempt_path": found.exempt_path or None,
        },
        "setting": _setting(found.state) if found.state else None,
        "link": None
        if arrival is None
        else {
            "rule": arrival.rule.rule,
            "row": arrival.template,
            "feature": arrival.rule.feature,
            "counterpart": arrival.rule.counterpart.value,
            "address": arrival.address,
            "hand_over": arrival.hand_over,
        },
        "session": _session(found.session),
        "answer": {"status": found.status, "headers": [list(pair) for pair in found.headers]},
    }


def _setting(state: PastState) -> dict[str, Any]:
    row = state.row
    return {
        "tenant": row.name,
        "tid": str(row.tid),
        "enabled": row.enabled,
        "on": row.is_on,
        "since": _iso(row.since),
        "setting": row.setting,
        "stage": row.stage,
        "revision": row.revision,
        "switch": _change(state.switch) if state.switch else None,
        "change": _change(state.change),
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "revision": change.revision,
        "at": _iso(change.at),
        "what": change.what,
        "from": change.before,
        "to": change.after,
        "who": change.author_name,
        "channel": change.channel,
        "reason_kind": change.reason_kind,
        "reason": change.reason,
    }


def _session(session: Session) -> dict[str, Any] | None:
    held, pasted = session.held, session.pasted
    if held is None and pasted is None:
        return None
    return {
        "began": _iso(moment(held.started)) if held else None,
        "seen": _iso(moment(held.seen)) if held else None,
        "runs": session.runs,
        "until": _iso(moment(session.until)) if held else None,
        "renewed": session.after is not None,
        "cookie": None
        if pasted is None
        else {"name": pasted.name, "signature": pasted.signature.value},
    }


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
