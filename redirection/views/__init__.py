"""The pages of the app; each module holds one subject."""

from redirection.views.banner import close_banner
from redirection.views.digest import switch_digest
from redirection.views.explain import explain_decision
from redirection.views.feedback import give_feedback
from redirection.views.feedback_sent import feedback_sent
from redirection.views.hand_over import go, hand_over
from redirection.views.health import health, ready
from redirection.views.here import here
from redirection.views.history_page import export_history, history_page
from redirection.views.lead_on import lead_on
from redirection.views.my_feedback import my_feedback
from redirection.views.page_seen import page_seen
from redirection.views.receipt import receipt
from redirection.views.reported import export_reported, reported, reported_trouble
from redirection.views.roles_page import give_local_role, roles_page
from redirection.views.screenshot import screenshot
from redirection.views.settings_page import settings_page, switch_redirection
from redirection.views.state import state
from redirection.views.step_back import end_step_back, step_back, take_step_back
from redirection.views.step_back_by_host import step_back_by_host
from redirection.views.step_back_setting import step_back_setting, switch_step_back
from redirection.views.try_link import try_link
from redirection.views.way_back import way_back

__all__ = [
    "close_banner",
    "end_step_back",
    "explain_decision",
    "export_history",
    "export_reported",
    "feedback_sent",
    "give_feedback",
    "give_local_role",
    "go",
    "hand_over",
    "health",
    "here",
    "history_page",
    "lead_on",
    "my_feedback",
    "page_seen",
    "ready",
    "receipt",
    "reported",
    "reported_trouble",
    "roles_page",
    "screenshot",
    "settings_page",
    "state",
    "step_back",
    "step_back_by_host",
    "step_back_setting",
    "switch_digest",
    "switch_redirection",
    "switch_step_back",
    "take_step_back",
    "try_link",
    "way_back",
]
