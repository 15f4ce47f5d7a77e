"""The charts of docs/performance.md: SVG that can be read on light and on dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10
from typing import NamedTuple
from xml.etree.ElementTree import Element

import pygal
from pygal.style import Style

_WIDTH, _BAR, _FRAME = 960, 26, 110
# Both stand out from a white page and from a dark one.
_OURS, _OTHERS = "#1f6feb", "#8b949e"
_STYLE = """\
* { transition: none !important; }
.tooltip { display: none; }
.guide.line { stroke: #d1d9e0 !important; stroke-dasharray: none !important; }
.text-overlay text { text-anchor: start !important; transform: translateX(8px); }
@media (prefers-color-scheme: dark) {
  .background { fill: #0d1117 !important; }
  text, .title { fill: #e6edf3 !important; }
  .guide.line, .axis .line, .axis path { stroke: #30363d !important; }
}"""


class Bar(NamedTuple):
    """``is_ours`` puts it into the colour of this project; its name says it, too."""

    name: str
    value: float
    is_ours: bool


def bars(title: str, shown: Sequence[Bar]) -> str:
    """Horizontal bars on a logarithmic scale, in this order from the top, each with its value."""
    values = [bar.value for bar in shown]
    first, last = floor(log10(min(values) * 0.9)), floor(log10(max(values)))
    chart = pygal.HorizontalBar(
        title=title,
        width=_WIDTH,
        height=_BAR * len(shown) + _FRAME,
        logarithmic=True,
        # Room for the longest bar's value.
        range=(10**first, max(values) * 4),
        zero=10**first,
        show_legend=False,
        print_values=True,
        print_values_position="top",
        # Nothing from elsewhere.
        js=(),
        css=("file://style.css", "file://graph.css", f"inline:{_STYLE}"),
        style=Style(
            background="#ffffff",
            plot_background="transparent",
            foreground="#1f2328",
            foreground_strong="#1f2328",
            foreground_subtle="#d1d9e0",
            colors=(_OTHERS,),
            opacity="1",
            font_family="sans-serif",
            label_font_size=13,
            value_font_size=13,
            title_font_size=16,
            value_colors=("#1f2328",),
        ),
        truncate_label=-1,
        formatter=short,
        spacing=8,
        margin=16,
        no_prefix=True,
    )
    # The library puts the first at the bottom.
    turned = list(reversed(shown))
    chart.x_labels = [bar.name for bar in turned]
    marks = [10**power for power in range(first, last + 1)]
    chart.y_labels = [{"label": short(mark), "value": mark} for mark in marks]
    colours = [_OURS if bar.is_ours else _OTHERS for bar in turned]
    chart.add(
        "",
        [
            {"value": bar.value, "color": colour}
            for bar, colour in zip(turned, colours, strict=True)
        ],
    )
    chart.add_xml_filter(_still)
    # The same figures make the same file.
    chart.uuid = "chart"
    drawing: str = chart.render(is_unicode=True)
    return drawing


def _still(root: Element) -> Element:
    """Without the settings of a script that is not there, and the day it was drawn."""
    for parent in list(root.iter()):
        for child in list(parent):
            # The tag of a comment is a function.
            if child.tag == "script" or callable(child.tag):
                parent.remove(child)
    return root


def short(value: float) -> str:
    """A number with three digits that count, or all of a large one."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
