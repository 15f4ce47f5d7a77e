"""The pages of the app; each module holds one subject."""

from redirection.views.banner import close_banner
from redirection.views.feedback import feedback_sent, give_feedback
from redirection.views.hand_over import go, hand_over
from redirection.views.roles_page import give_local_role, roles_page
from redirection.views.settings_page import settings_page, switch_redirection

__all__ = [
    "close_banner",
    "feedback_sent",
    "give_feedback",
    "give_local_role",
    "go",
    "hand_over",
    "roles_page",
    "settings_page",
    "switch_redirection",
]
