"""The page at `/`: links to what the control API has."""

from __future__ import annotations

_ENTRIES = (
    ("/_mock/health", "health: what is on record"),
    ("/_mock/calls", "calls, oldest first"),
    ("/_mock/events", "events, oldest first"),
    ("/_mock/events?accepted=false", "rejected events"),
    ("/_mock/faults", "planned faults"),
    ("/_mock/export?format=jsonl", "export as JSON Lines"),
    ("/_mock/export?format=har", "export as HAR"),
    ("/openapi.json", "OpenAPI document"),
)

LINKS = (
    '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>mock-june</title></head>\n<body>\n<h1>mock-june</h1>\n'
    "<p>A fake of June's API. Send to <code>/api/identify</code>, <code>/api/group</code>, <code>/api/track</code> or <code>/sdk/batch</code>.</p>\n<ul>\n"
    + "".join(f'<li><a href="{path.replace("&", "&amp;")}">{text}</a></li>\n' for path, text in _ENTRIES)
    + "</ul>\n</body>\n</html>\n"
).encode()
