"""An explanation in words, for the operators' page and the command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from django.utils.functional import Promise
from django.utils.translation import gettext as _, gettext_lazy

from redirection.answers import HEADER
from redirection.conf import conf
from redirection.deep_links import Counterpart
from redirection.explain_forms import VISITOR_NAMES
from redirection.explanations import Explanation
from redirection.feature_names import feature_name
from redirection.models import Change
from redirection.past_states import PastState
from redirection.pasted_sessions import PastedSession, Signature
from redirection.reason_names import reason_name
from redirection.visitors import KINDS, Brings

VALUE_NAMES: dict[str, str | Promise] = {
    "on": gettext_lazy("On"),
    "off": gettext_lazy("Off"),
    "not_set": gettext_lazy("Not set"),
    "opt_in": gettext_lazy("Opt in"),
    "opt_out": gettext_lazy("Opt out"),
    "forced": gettext_lazy("Forced"),
    "enabled": gettext_lazy("Enabled"),
    "disabled": gettext_lazy("Disabled"),
    "": gettext_lazy("Nothing"),
}
COUNTERPART_NAMES: dict[Counterpart, str | Promise] = {
    Counterpart.EXACT: gettext_lazy("Exact: the same page over there."),
    Counterpart.NEAREST: gettext_lazy("Nearest place, and the person is told so."),
    Counterpart.NONE: gettext_lazy("None yet, and the person is told so."),
}
SIGNATURE_NAMES: dict[Signature, str | Promise] = {
    Signature.CURRENT: gettext_lazy("Signed with the key in use."),
    Signature.FALLBACK: gettext_lazy("Signed with a former key, which still counts."),
    Signature.NOT_OURS: gettext_lazy(
        "Not signed by this site for this organisation: it counts as no session."
    ),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One fact: ``text`` in words, ``code`` as programs write it, or a moment ``at``."""

    label: str
    text: str = ""
    code: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Facts about one subject."""

    title: str
    lines: tuple[Line, ...]


def parts_of(found: Explanation, *, at_is_naive: bool = False) -> list[Part]:
    """``found`` in words, in the language of the moment; the decision comes first."""
    parts = [
        Part(_("Decision"), tuple(_decision(found))),
        Part(_("Question"), tuple(_question(found, at_is_naive))),
        Part(_("Setting in force"), tuple(_setting(found))),
        Part(_("Link"), tuple(_link(found))),
        Part(_("Session"), tuple(_session(found))),
        Part(_("Answer"), tuple(_answer(found))),
    ]
    return [part for part in parts if part.lines]


def moment(ms: int) -> datetime:
    """``ms`` since the epoch as a moment; what no calendar has is its last day."""
    try:
        return datetime.fromtimestamp(ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC)


def _decision(found: Explanation) -> Iterator[Line]:
    decision = found.visit.decision
    if found.by_script:
        text = _("Stays, and the portal script takes the tab on by the hand-over page.")
    elif decision.refuse:
        text = _("Refused with an empty answer: the browser asks again.")
    elif decision.go:
        text = _("Goes to the destination.")
    else:
        text = _("Stays: the legacy portal answers.")
    yield Line(_("Decision"), text)
    yield Line(_("Reason"), reason_name(decision.reason))
    yield Line(_("Code"), code=dict(found.headers).get(HEADER, decision.reason.value))
    if found.exempt_path:
        yield Line(_("Exempt path"), code=found.exempt_path)
    if found.too_early:
        yield Line(_("Note"), _("The organisation was not there yet at that time."))
    elif found.state is not None and not found.state.row.enabled:
        yield Line(_("Note"), _("The organisation was disabled at that time."))


def _question(found: Explanation, at_is_naive: bool) -> Iterator[Line]:
    asked, link = found.question, found.question.link
    fragment = f"#{link.fragment}" if link.fragment else ""
    yield Line(_("Address"), code=f"{link.host}{found.request.get_full_path()}{fragment}")
    yield Line(_("Method"), code=found.request.method or "")
    yield Line(_("Visitor"), str(VISITOR_NAMES[asked.visitor]))
    yield Line(_("Request class"), code=found.request_class.value)
    yield Line(_("Time"), at=asked.at)
    if at_is_naive:
        yield Line(_("Note"), _("The time named no zone: it was read as UTC."))
    tenant = found.visit.tenant
    if tenant and asked.tenant and str(asked.tenant.tid) != tenant.tid:
        yield Line(_("Note"), _("The address names another organisation, and that counts."))


def _setting(found: Explanation) -> Iterator[Line]:
    state = found.state
    if state is None:
        return
    row = state.row
    yield Line(_("Organisation"), row.title)
    yield Line(_("Tenant id"), code=str(row.tid))
    yield Line(_("Automatic redirection"), _("On") if row.is_on else _("Off"))
    yield Line(_("Effective since"), at=row.since)
    yield Line(_("Setting"), str(row.get_setting_display()))
    yield Line(_("Stage of the roll-out"), str(row.get_stage_display()))
    yield Line(_("Revision"), code=str(row.revision))
    yield from _changes(state)


def _changes(state: PastState) -> Iterator[Line]:
    if state.switch is None:
        yield Line(_("Switched by"), _("Nobody so far: this is the default of the roll-out."))
    else:
        yield from _change(_("Switched by"), state.switch)
    if state.change != state.switch:
        yield from _change(_("Last change"), state.change)


def _change(label: str, change: Change) -> Iterator[Line]:
    values = {
        "what": change.get_what_display(),
        "before": _value(change, change.before),
        "after": _value(change, change.after),
        "who": change.author_name,
        "channel": change.get_channel_display(),
        "revision": change.revision,
    }
    # Translators: the setting that changed, then its values, who, and which way it came.
    text = _(
        "%(what)s: from %(before)s to %(after)s, by %(who)s (%(channel)s), revision %(revision)d."
    )
    yield Line(label, str(text % values), at=change.at)
    kind = f"{change.get_reason_kind_display()}: " if change.reason_kind else ""
    yield Line(_("Its reason"), f"{kind}{change.reason}")


def _value(change: Change, value: str) -> str | Promise:
    if change.what == "step_back" and value.isdecimal():
        return _("Allowed, %(value)s minutes") % {"value": value}
    return VALUE_NAMES.get(value, value)


def _link(found: Explanation) -> Iterator[Line]:
    arrival = found.arrival
    if arrival is None:
        return
    yield Line(_("Rule"), rule_name(arrival.rule.rule), code=arrival.template)
    if arrival.rule.feature:
        yield Line(_("Page"), str(feature_name(arrival.rule.feature)))
    yield Line(_("Counterpart"), str(COUNTERPART_NAMES[arrival.rule.counterpart]))
    yield Line(_("Whoever goes arrives at"), code=arrival.address)
    yield Line(
        _("Way"),
        _("By the hand-over page, which reads the part behind # in the browser.")
        if arrival.hand_over
        else _("Straight, with one redirect."),
    )
    if arrival.too_long:
        yield Line(_("Note"), _("This link is too long for the hand-over page, which says so."))


def rule_name(number: int | None) -> str:
    """The rule that maps a link, in words."""
    if number is None:
        return _("Row of the built-in table")
    return _("Rule %(number)d of the operator") % {"number": number}


def _session(found: Explanation) -> Iterator[Line]:
    held, pasted = found.session.held, found.session.pasted
    brings = KINDS[found.question.visitor].brings
    if pasted is not None:
        yield from _pasted(found, pasted)
    elif brings is Brings.STEP_BACK:
        yield from _step_back(found)
    elif held is None:
        if brings is Brings.NONE:
            yield Line(_("Session"), _("None is brought along."))
        elif found.visit.tenant is not None:
            yield Line(_("Session"), _("None counts here."))
    else:
        yield Line(_("Session"), _("Assumed from the kind of visitor."))
    if held is None:
        return
    yield Line(_("Began"), at=moment(held.started))
    yield Line(_("Last seen"), at=moment(held.seen))
    yield Line(
        _("Runs unused until") if found.session.runs else _("Ended"), at=moment(found.session.until)
    )
    limit = held.started + conf().session_limit * 1000
    yield Line(_("At the latest until"), at=moment(limit))
    if found.session.after is not None:
        yield Line(_("Afterwards"), _("The answer begins or renews the session."))


def _step_back(found: Explanation) -> Iterator[Line]:
    running = found.visit.step_back
    if running is None:
        yield Line(_("Step back"), _("None counts: the organisation does not allow it, or is off."))
    else:
        yield Line(_("Step back"), _("Began at the time of the question."))
        yield Line(_("Runs until"), at=moment(running.until))


def _pasted(found: Explanation, pasted: PastedSession) -> Iterator[Line]:
    yield Line(_("Session"), _("From the cookie given."))
    yield Line(_("Cookie"), str(SIGNATURE_NAMES[pasted.signature]), code=pasted.name)
    tenant = found.visit.tenant
    if tenant is not None and pasted.session is not None and pasted.tid != tenant.tid:
        yield Line(_("Note"), _("It is a cookie of another organisation and does not count here."))


def _answer(found: Explanation) -> Iterator[Line]:
    if found.status is None:
        yield Line(_("Status"), _("Whatever the legacy portal answers."))
    else:
        status = HTTPStatus(found.status)
        yield Line(_("Status"), code=f"{status.value} {status.phrase}")
    for name, value in found.headers:
        yield Line(_("Header"), code=f"{name}: {value}")
