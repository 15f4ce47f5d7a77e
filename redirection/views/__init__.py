"""The pages of the app; each module holds one subject."""

from redirection.views.banner import close_banner
from redirection.views.feedback import feedback_sent, give_feedback
from redirection.views.hand_over import go, hand_over
from redirection.views.history_page import export_history, history_page
from redirection.views.page_seen import page_seen
from redirection.views.receipt import receipt
from redirection.views.roles_page import give_local_role, roles_page
from redirection.views.settings_page import settings_page, switch_redirection
from redirection.views.try_link import try_link

__all__ = [
    "close_banner",
    "export_history",
    "feedback_sent",
    "give_feedback",
    "give_local_role",
    "go",
    "hand_over",
    "history_page",
    "page_seen",
    "receipt",
    "roles_page",
    "settings_page",
    "switch_redirection",
    "try_link",
]
