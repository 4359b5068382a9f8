"""What a command is given: its environment, the authorities it believes, its private folder."""

from __future__ import annotations

import os
import shutil
import ssl
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_june.errors import MockJuneError
from mock_june.intercept import trust, workplace
from mock_june.intercept.authority import Authority
from mock_june.intercept.environment import SHIMS, build, outside
from mock_june.intercept.workplace import Workplace

PROXY = "http://june:secret@127.0.0.1:4321"


@pytest.fixture(scope="module")
def authority() -> bytes:
    """An authority's certificate, PEM."""
    return Authority.create().certificate


@pytest.fixture
def place(authority: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    """A private folder under `tmp_path`."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Workplace.make() as made:
        made.fill(authority, {})
        yield made


def built(place: Workplace, base: dict[str, str] | None = None, *, carry: bool = True) -> dict[str, str]:
    """The environment that `base` becomes."""
    return build(base or {}, PROXY, place, carry=carry)


class TestEnvironment:
    def test_proxies(self, place: Workplace):
        """Every proxy variable, in both spellings, names the relay; a proxy of the user's own is the relay's way to other hosts."""
        base = {"https_proxy": "http://corp:8080", "NO_PROXY": ".corp"}
        env = built(place, base)
        assert {env[name] for stem in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY") for name in (stem, stem.lower())} == {PROXY}
        assert env["NODE_USE_ENV_PROXY"] == "1"
        assert outside(base) == ("http://corp:8080", ".corp")
        assert outside({"ALL_PROXY": "http://all:1", "HTTPS_PROXY": ""}) == ("http://all:1", "")
        assert outside({}) == (None, "")

    @pytest.mark.parametrize(
        ("entry", "kept"),
        [
            ("internal.example", True),
            (".corp", True),
            ("10.0.0.0/8", True),
            ("notjune.so", True),
            ("api.june.so.example", True),
            ("*", False),
            ("api.june.so", False),
            ("API.June.so.", False),
            ("api.june.so:443", False),
            (".june.so", False),
            ("june.so", False),
            ("*.june.so", False),
            ("*june.so", False),
            (".so", False),
            ("so", False),
        ],
    )
    def test_no_proxy(self, place: Workplace, entry: str, kept: bool):
        """The user's own list of hosts without a proxy is kept, but for what would exempt June's; this machine is always in it."""
        for name in ("NO_PROXY", "no_proxy"):
            env = built(place, {name: f"first.example, {entry},"})
            assert env["NO_PROXY"] == env["no_proxy"]
            assert env["NO_PROXY"].split(",") == ["localhost", "127.0.0.1", "::1", "first.example", *([entry] if kept else [])]

    def test_trust(self, place: Workplace):
        """Every variable that names authorities names one bundle."""
        env = built(place, {"SSL_CERT_FILE": "/else.pem"})
        assert {env[name] for name in trust.VARIABLES} == {str(place.bundle)}

    def test_what_the_user_set_is_chained(self, place: Workplace):
        """Options of Node's, Python's, Java's and PHP's that the user has set stand behind ours, and all other variables as they are."""
        base = {"NODE_OPTIONS": "--no-warnings", "PYTHONPATH": "/mine:/too", "JAVA_TOOL_OPTIONS": "-Xmx1g", "PHP_INI_SCAN_DIR": "/php", "OWN": "x"}
        env = built(place, base)
        assert env["NODE_OPTIONS"] == f'--require "{SHIMS / "node" / "june.cjs"}" --no-warnings'
        assert env["PYTHONPATH"] == f"{SHIMS / 'python'}:/mine:/too"
        assert env["JAVA_TOOL_OPTIONS"].endswith(" -Xmx1g")
        assert env["PHP_INI_SCAN_DIR"] == f"/php:{place.php}"
        assert env["OWN"] == "x"
        assert base["PYTHONPATH"] == "/mine:/too"

    def test_php_keeps_its_own_settings(self, place: Workplace):
        """Where no folder of settings was named, PHP reads its own first: an empty entry says so."""
        assert built(place)["PHP_INI_SCAN_DIR"] == f":{place.php}"

    def test_java(self, place: Workplace):
        """Java is told the proxy, which hosts go without it in its own spelling, and the trust store."""
        options = built(place, {"NO_PROXY": ".corp"})["JAVA_TOOL_OPTIONS"].split()
        assert {"-Dhttps.proxyHost=127.0.0.1", "-Dhttps.proxyPort=4321", "-Dhttp.proxyHost=127.0.0.1", "-Dhttp.proxyPort=4321"} <= set(options)
        assert "-Dhttp.nonProxyHosts=localhost|127.0.0.1|[::1]|*.corp" in options
        assert f"-Djavax.net.ssl.trustStore={place.java}" in options

    def test_shims_are_told_where_the_relay_is(self, place: Workplace):
        """The shims learn the relay's address, our authority alone, and whether to carry other hosts: where the guard has closed the direct way."""
        env = built(place)
        assert (env["MOCK_JUNE_RELAY"], env["MOCK_JUNE_CA"], env["MOCK_JUNE_CARRY"]) == ("127.0.0.1:4321", str(place.authority), "1")
        assert built(place, carry=False)["MOCK_JUNE_CARRY"] == ""

    def test_a_path_with_blanks(self, tmp_path: Path):
        """Node takes the shim from a path with blanks, quotes and backslashes in it."""
        if shutil.which("node") is None:
            pytest.skip("Node is not installed")
        from mock_june.intercept.environment import _node_quoted

        folder = tmp_path / 'a b "c" \\d'
        folder.mkdir()
        (folder / "shim.cjs").write_text("console.log('here')")
        env = {"PATH": os.environ["PATH"], "NODE_OPTIONS": f"--require {_node_quoted(folder / 'shim.cjs')}"}
        assert subprocess.run(["node", "-e", "0"], capture_output=True, text=True, check=True, env=env).stdout == "here\n"


class TestTrust:
    def test_bundle(self, authority: bytes, tmp_path: Path):
        """The bundle holds our authority, those of the user's own files, and the system's, each once."""
        own = Authority.create().certificate
        (tmp_path / "own.pem").write_bytes(b"# comment\n" + own + own)
        pem = trust.bundle(
            authority, {"REQUESTS_CA_BUNDLE": str(tmp_path / "own.pem"), "CURL_CA_BUNDLE": str(tmp_path / "none.pem"), "PIP_CERT": str(tmp_path)}
        )
        blocks = trust.BLOCK.findall(pem)
        assert blocks[:2] == [authority.strip(), own.strip()]
        assert len(blocks) == len(set(blocks)) > 100
        context = ssl.create_default_context(cadata=pem.decode())
        assert len(context.get_ca_certs()) >= 100

    def test_without_a_system(self, authority: bytes, monkeypatch: pytest.MonkeyPatch):
        """A system without a file of authorities, as a slim container has none, gets certifi's."""
        monkeypatch.setattr(trust, "SYSTEM", ())
        monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: ssl.DefaultVerifyPaths("", "", "", "", "", ""))
        assert len(trust.BLOCK.findall(trust.bundle(authority, {}))) > 100

    @pytest.mark.skipif(shutil.which("keytool") is None, reason="Java is not installed")
    def test_java_store(self, authority: bytes, tmp_path: Path):
        """Java's own tool reads the trust store that was made without it, checks its digest, and finds every certificate in it."""
        own = Authority.create().certificate
        (tmp_path / "trust.jks").write_bytes(trust.java_store(authority + own))
        asked: list[str | Path] = ["keytool", "-J-Xshare:auto", "-list", "-keystore", tmp_path / "trust.jks", "-storepass", "changeit"]
        listed = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout
        assert listed.count("trustedCertEntry") == 2


class TestWorkplace:
    def test_it_is_private(self, place: Workplace):
        """The folder is this user's alone, and nothing in it is a key."""
        assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700
        assert all(b"PRIVATE KEY" not in path.read_bytes() for path in place.folder.rglob("*") if path.is_file())

    def test_it_goes(self, authority: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        """At its end nothing is left of it."""
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        with Workplace.make() as place:
            place.fill(authority, {})
            assert list(tmp_path.iterdir()) != []
        assert list(tmp_path.iterdir()) == []

    def test_what_killed_runs_left_is_swept(self, place: Workplace, tmp_path: Path):
        """A folder of a run that is no more is removed by the next run, at once; one that a run holds, or is just making, is left."""
        stale, fresh = tmp_path / f"{workplace.PREFIX}stale", tmp_path / f"{workplace.PREFIX}fresh"
        for folder in (stale, fresh):
            folder.mkdir(mode=0o700)
        (stale / "ca.pem").touch()
        workplace.sweep(tmp_path)
        assert sorted(tmp_path.iterdir()) == sorted([fresh, place.folder])
        os.utime(fresh, (time.time() - 120,) * 2)
        workplace.sweep(tmp_path)
        assert list(tmp_path.iterdir()) == [place.folder]

    def test_what_is_not_ours_is_left(self, tmp_path: Path):
        """What merely has such a name is left: a link, and what it points to, a file, a folder that others may read."""
        (tmp_path / "target").mkdir()
        (tmp_path / "target" / "file").touch()
        (tmp_path / f"{workplace.PREFIX}link").symlink_to(tmp_path / "target")
        (tmp_path / f"{workplace.PREFIX}file").touch()
        shared = tmp_path / f"{workplace.PREFIX}shared"
        shared.mkdir()
        shared.chmod(0o755)
        (shared / "file").touch()
        before = sorted(tmp_path.rglob("*"))
        workplace.sweep(tmp_path)
        assert sorted(tmp_path.rglob("*")) == before

    def test_no_room(self, authority: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        """Where no folder can be made, the error says what to do."""
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
        with pytest.raises(MockJuneError, match="set TMPDIR"):
            Workplace.make()
