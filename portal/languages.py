"""The languages of the site, each by its own name: whoever looks for theirs can read it."""

from __future__ import annotations

LANGUAGES = [
    ("en", "English"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("es", "Español"),
    ("ja", "日本語"),
    ("ar", "العربية"),
]
