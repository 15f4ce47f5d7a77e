"""Charts as SVG inside the page; their colours are those of the style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

import pygal
from django.utils.formats import number_format
from django.utils.safestring import SafeString, mark_safe

WIDTH = 720
HEIGHT = 220
_LONGEST_LABELS = 8


def stacked_bars(labels: Sequence[str], series: Sequence[tuple[str, Sequence[int]]]) -> SafeString:
    """One bar a label, built of the values of each named series."""
    return _rendered(pygal.StackedBar, labels, series)


def falling_line(labels: Sequence[str], name: str, values: Sequence[int]) -> SafeString:
    """One line with the area below it filled."""
    return _rendered(pygal.Line, labels, [(name, values)], fill=True)


def _rendered(
    kind: type,
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[int]]],
    **options: object,
) -> SafeString:
    highest = max(
        (sum(column) for column in zip(*(values for _, values in series), strict=True)), default=0
    )
    chart = kind(
        width=WIDTH,
        height=HEIGHT,
        # No script; what it would show stands in the table below the chart.
        js=(),
        css=(),
        show_legend=False,
        margin=4,
        # Whole numbers only: nobody loads half a page.
        y_labels_major_count=3,
        show_minor_y_labels=False,
        truncate_label=30,
        range=(0, max(highest, 4)),
        formatter=lambda value: number_format(round(value), force_grouping=True),
        x_labels_major_every=max(1, -(-len(labels) // _LONGEST_LABELS)),
        show_minor_x_labels=False,
        disable_xml_declaration=True,
        print_values=False,
        no_data_text="",
        **options,
    )
    chart.x_labels = list(labels)
    for name, values in series:
        chart.add(name, list(values))
    chart.add_xml_filter(_for_the_page)
    # The library escapes labels and names; nothing else in it comes from outside.
    drawing: str = chart.render(is_unicode=True)
    return mark_safe(drawing)  # noqa: S308


_LEFT_OUT_TAGS = ("style", "script", "defs", "title", "desc")
# The page's own background shines through, and tooltips would need the script.
_LEFT_OUT_CLASSES = {"background", "tooltip-overlay", "text-overlay"}


def _is_left_out(part: Element) -> bool:
    # The tag of a comment is a function.
    if callable(part.tag) or part.tag in _LEFT_OUT_TAGS:
        return True
    return bool(_LEFT_OUT_CLASSES.intersection(part.get("class", "").split()))


def _for_the_page(root: Element) -> Element:
    """Without inline styles, which the policy of the page refuses, and hidden from readers.

    A screen reader gets the table instead of a hundred rectangles.
    """
    for parent in list(root.iter()):
        for child in list(parent):
            if _is_left_out(child):
                parent.remove(child)
        parent.attrib.pop("style", None)
    root.set("aria-hidden", "true")
    root.set("focusable", "false")
    return root
