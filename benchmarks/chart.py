"""Rows as bars: one small chart a row, a bar a server, written as plain SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.report import number
from benchmarks.table import OURS, Row

WIDTH, LABEL, BAR, GAP, TITLE = 760, 200, 18, 6, 34
ROOM = 110
"""Width kept for the number behind the longest bar."""

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #333 }
.title { font-weight: 600 }
.ours { fill: #2f6fde }
.peer { fill: #b9c0cc }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .peer { fill: #68707e } }
"""


def svg(rows: Sequence[Row]) -> str:
    """The chart of all rows that compare servers."""
    body: list[str] = []
    top = 0
    for row in rows:
        if len(row.values) > 1:
            body += _one(row, top)
            top += TITLE + len(row.values) * (BAR + GAP) + GAP
    size = f'viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="mock-june beside its peers">'
    return "\n".join([head, f"<style>{STYLE}</style>", *body, "</svg>"]) + "\n"


def _one(row: Row, top: int) -> Iterator[str]:
    """A title that says which way is better, then the bars."""
    better = "more is better" if row.more_is_better else "less is better"
    yield f'<text class="title" x="0" y="{top + 20}">{escape(row.what)} ({escape(row.unit)}, {better})</text>'
    longest = max(map(row.middle, row.values)) or 1
    for place, server in enumerate(row.values):
        value = row.middle(server)
        y = top + TITLE + place * (BAR + GAP)
        length = max(1, round((WIDTH - LABEL - ROOM) * value / longest))
        yield f'<text x="{LABEL - 8}" y="{y + 14}" text-anchor="end">{escape(server)}</text>'
        yield f'<rect class="{"ours" if server.startswith(OURS) else "peer"}" x="{LABEL}" y="{y}" width="{length}" height="{BAR}" rx="2"/>'
        yield f'<text x="{LABEL + length + 6}" y="{y + 14}">{number(value, row)}</text>'
