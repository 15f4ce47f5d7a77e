"""The tag for a moment in time, so that a sentence around it can be translated in one piece."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def moment(at: datetime | None, *, seconds: bool = False) -> SafeString:
    """``at`` (aware) as a ``<time>`` in the reader's date format, with its zone; "" for None.

    In a sentence: ``{% moment tenant.since as when %}``, then ``{{ when }}`` in
    ``{% blocktranslate %}``, where no tag may stand. With ``seconds`` it is told to the second.
    """
    if at is None:
        return SafeString("")
    local = timezone.localtime(at)
    said = date_format(local, "DATETIME_FORMAT")
    if seconds:
        said = f"{date_format(local, 'DATE_FORMAT')} {local:%H:%M:%S}"
    return format_html(
        '<time dir="auto" datetime="{}">{} {}</time>',
        local.isoformat(),
        said,
        local.tzname(),
    )
