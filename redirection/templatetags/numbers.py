"""The filter for counts that a person reads: ``{{ loads|grouped }}``.

Numbers are grouped nowhere else, so that ids, revisions and ports stay as programs read them.
"""

from __future__ import annotations

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma

register = template.Library()
# 1284 is "1,284" in English, "1.284" in German.
register.filter("grouped", intcomma)
