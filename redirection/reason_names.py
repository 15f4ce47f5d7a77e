"""The reasons of decisions in words."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from redirection.decisions import Reason

REASON_NAMES: dict[Reason, str | Promise] = {
    Reason.NOT_LEGACY: _("The host does not belong to the legacy portal."),
    Reason.EXEMPT: _("This path is no page, and only pages are redirected."),
    Reason.NOT_PAGE_LOAD: _("Only page loads are redirected, no background calls and no forms."),
    Reason.NOTHING_KNOWN: _("The settings could not be read so far."),
    Reason.UNKNOWN_TENANT: _("The organisation is not known."),
    Reason.COOKIES_UNREADABLE: _(
        "The browser's cookies did not arrive, so a session from before the switch may run."
    ),
    Reason.NO_DESTINATION: _("No destination is configured for the organisation."),
    Reason.OFF: _("Automatic redirection is off."),
    Reason.STEPPED_BACK: _("The person opened the old page for one task."),
    Reason.SESSION_CONTINUES: _("The session began before the switch and goes on."),
    Reason.SESSION_ENDED: _("The session from before the switch has ended."),
    Reason.NEW_SESSION: _("There is no session from before the switch."),
    Reason.LOOP_STOPPED: _("The destination kept sending this browser back."),
    Reason.AHEAD_OF_TIME: _("The browser only loads ahead of time; it asks again."),
}


def reason_name(reason: Reason) -> str:
    """Why a request stays or goes, as a sentence in the language of the moment."""
    return str(REASON_NAMES[reason])
