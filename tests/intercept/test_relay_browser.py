"""A browser whose page calls June, led to the relay by its own switches."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from urllib.parse import urlsplit

import pytest

from mock_june.testing import running_mock
from tests.intercept.relayed import AUTHORITY, HOST, relay

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PAGE = """<script>
fetch("https://api.june.so/api/identify", {method: "POST", headers: HEADERS, body: JSON.stringify({type: "identify", userId: "of-a-page"})})
  .then(answer => answer.text()).then(text => document.title = text, error => document.title = error)
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize("pinned", [True, False])
def test_a_page_reaches_the_fake_by_the_pin_alone(tmp_path, pinned):
    """Chromium believes the leaf whose public key it is told, across origins and with a preflight; without that it sends nothing."""
    with running_mock() as june, relay((HOST, urlsplit(june.url).port or 0)) as running:
        page = tmp_path / "page.html"
        page.write_text(PAGE.replace("HEADERS", json.dumps({"Authorization": f"Basic {june.key}", "Content-Type": "application/json"})))
        switches = [f"--host-resolver-rules=MAP *.june.so:443 {HOST}:{running.port}", f"--user-data-dir={tmp_path / 'profile'}"]
        if pinned:
            switches.append(f"--ignore-certificate-errors-spki-list={AUTHORITY.pin}")
        command = [str(CHROMIUM), *"--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --virtual-time-budget=5000 --dump-dom".split()]
        done = subprocess.run([*command, *switches, page.as_uri()], capture_output=True, text=True, timeout=60, check=False)
        title = re.search("<title>(.*)</title>", done.stdout)
        assert title is not None, done
        if pinned:
            assert json.loads(html.unescape(title[1])) == {"status": 200, "success": True}
            june.assert_received("identify", userId="of-a-page", count=1)
        else:
            assert "Failed to fetch" in title[1]
            assert june.calls() == []
