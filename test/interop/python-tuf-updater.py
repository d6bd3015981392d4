"""Runs python-tuf's own updater tests with `verbatim client` in the place of its Updater.

    python python-tuf-updater.py SOURCES NODE MAIN MODULE

SOURCES is the unpacked source distribution of python-tuf, MAIN the program that NODE runs, MODULE one of its modules of
tests. Prints one JSON object: for each test, or each of its cases, what went wrong, or null.
"""

import contextlib
import datetime
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import types
import unittest
from urllib import parse

SOURCES, NODE, MAIN, MODULE = sys.argv[1:]
sys.path[0] = SOURCES

import tuf.ngclient
from tuf.api import exceptions
from tuf.api.metadata import Metadata, Targets
from tuf.ngclient import UpdaterConfig
from tuf.ngclient.urllib3_fetcher import Urllib3Fetcher

ERRORS = {
    "threshold": exceptions.UnsignedMetadataError,
    "rollback": exceptions.BadVersionNumberError,
    "mix-and-match": exceptions.BadVersionNumberError,
    "expired": exceptions.ExpiredMetadataError,
    "digest": exceptions.LengthOrHashMismatchError,
    "length": exceptions.LengthOrHashMismatchError,
    "limit": exceptions.DownloadLengthMismatchError,
    "unreachable": exceptions.DownloadError,
    "forbidden": exceptions.DownloadError,
    "truncated": exceptions.DownloadError,
    "state": FileNotFoundError,
    "policy": ValueError,
}


class Unlisted(exceptions.RepositoryError):
    """The signed metadata lists no such target, or no server has what it lists."""


class Relay(http.server.BaseHTTPRequestHandler):
    """Answers `/N/metadata/…` and `/N/targets/…` with what the fetcher of the Nth updater gets."""

    updaters = []

    def do_GET(self):
        _, number, kind, name = self.path.split("/", 3)
        status, body = Relay.updaters[int(number)].answer(kind, name)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay)
threading.Thread(target=server.serve_forever, daemon=True).start()

reference_time = None


@contextlib.contextmanager
def freeze_time(when):
    """What freezegun does for python-tuf, the option --reference-time does here."""
    global reference_time
    reference_time = when.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        yield
    finally:
        reference_time = None


class Updater:
    """python-tuf's Updater, each step of which is one run of `verbatim client`.

    An Updater refreshes once and a command each time, so that commands after the refresh are told of the same newest
    root and the same timestamp again, without the repository being asked. A target is looked up by a download that
    gets as far as asking for its bytes, or as finding them there. Only the signature of the constructor, and that a
    file can have no other name than the client's, are judged here and not by the client.
    """

    def __init__(
        self,
        metadata_dir,
        metadata_base_url,
        target_dir=None,
        target_base_url=None,
        fetcher=None,
        config=None,
        *,
        bootstrap,
    ):
        self.config = config or UpdaterConfig()
        self._dir = metadata_dir
        self._metadata = metadata_base_url
        self._targets = target_base_url
        self._target_dir = target_dir
        self._source = fetcher or Urllib3Fetcher()
        self._first = {}
        self._refreshed = False
        self._serves_targets = False
        self._asked = []
        Relay.updaters.append(self)
        self._relay = f"http://127.0.0.1:{server.server_port}/{len(Relay.updaters) - 1}/"
        if bootstrap is not None and not os.path.exists(os.path.join(metadata_dir, "root.json")):
            with tempfile.NamedTemporaryFile() as root:
                root.write(bootstrap)
                root.flush()
                self._client("init", root.name)

    def refresh(self):
        self._first.clear()
        self._client(*self._metadata_url(), "refresh")
        self._refreshed = True

    def get_targetinfo(self, target_path):
        self._need_refresh()
        with tempfile.TemporaryDirectory() as empty:
            try:
                self._download(target_path, empty)
            except Unlisted:
                if not self._asked:
                    return None
        return self._listed(target_path)

    def find_cached_target(self, targetinfo, filepath=None):
        self._need_refresh()
        directory, path = self._place(targetinfo, filepath)
        try:
            self._download(targetinfo.path, directory)
        except Unlisted:
            if not self._asked:
                raise
            return None
        return path

    def download_target(self, targetinfo, filepath=None, target_base_url=None):
        self._need_refresh()
        directory, path = self._place(targetinfo, filepath)
        self._targets = target_base_url or self._targets
        # python-tuf fetches what is there again, and the client what is there with other bytes.
        with contextlib.suppress(FileNotFoundError, TypeError):
            os.remove(path)
        self._serves_targets = True
        try:
            self._download(targetinfo.path, directory)
        finally:
            self._serves_targets = False
        return path

    def answer(self, kind, name):
        """Status and body for one request of the client."""
        if kind == "targets":
            self._asked.append(name)
            if not self._serves_targets:
                return 404, b""
            # Where no base was given, the client looks beside the metadata.
            return self._fetch((self._targets or parse.urljoin(self._metadata, "../targets/")) + parse.unquote(name))
        if not re.search(r"^timestamp\.json$|^\d+\.root\.json$", name):
            return self._fetch(self._metadata + name)
        if name not in self._first:
            self._first[name] = self._fetch(self._metadata + name)
        return self._first[name]

    @property
    def _trusted_set(self):
        """Some tests look into it for the version of the root."""
        return types.SimpleNamespace(root=self._root())

    def _root(self):
        return Metadata.from_file(os.path.join(self._dir, "root.json")).signed

    def _fetch(self, url):
        try:
            return 200, b"".join(self._source.fetch(url))
        except exceptions.DownloadHTTPError as error:
            return error.status_code, b""

    def _need_refresh(self):
        if not self._refreshed:
            self.refresh()

    def _place(self, targetinfo, filepath):
        """The directory for the client, and the path of the file that it keeps there."""
        name = parse.quote(targetinfo.path, "")
        if filepath is None:
            return self._target_dir, self._target_dir and os.path.join(self._target_dir, name)
        directory, last = os.path.split(filepath)
        if last != name:
            raise FileNotFoundError(f"The client calls the file {name}, not {last}.")
        return directory, filepath

    def _metadata_url(self):
        return "--metadata-url", f"{self._relay}metadata/"

    def _download(self, target_path, directory):
        self._asked.clear()
        to = () if directory is None else ("--target-dir", directory)
        base = () if self._targets is None else ("--target-base-url", f"{self._relay}targets/")
        self._client("--target-name", target_path, *to, *base, *self._metadata_url(), "download")

    def _listed(self, target_path):
        """The target as the role that the client believed lists it: by the digest asked for, where there is one."""
        digest = os.path.basename(self._asked[-1]).split(".")[0] if self._root().consistent_snapshot else None
        for name in sorted(os.listdir(self._dir)):
            role = Metadata.from_file(os.path.join(self._dir, name)).signed if name.endswith(".json") else None
            target = role.targets.get(target_path) if isinstance(role, Targets) else None
            if target and (digest is None or digest in target.hashes.values()):
                return target
        raise AssertionError(f"No role in {self._dir} lists {target_path}.")

    def _client(self, *args):
        time = () if reference_time is None else ("--reference-time", reference_time)
        ended = subprocess.run(
            [NODE, MAIN, "client", "--metadata-dir", self._dir, *time, *args],
            capture_output=True,
            text=True,
        )
        # The lock means nothing once its process has ended, and is no metadata.
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(self._dir, ".lock"))
        if ended.returncode == 0:
            return
        reason = re.search(r"\[([a-z-]+)\]$", ended.stderr, re.MULTILINE)
        if reason is None:
            raise RuntimeError(ended.stderr)
        raise {**ERRORS, "unlisted": Unlisted}.get(reason[1], exceptions.RepositoryError)(ended.stderr)


class Outcomes(unittest.TestResult):
    """For each test, or each of its cases where it has some, the last line of what went wrong, or None."""

    def __init__(self):
        super().__init__()
        self.outcomes = {}
        self._cases = set()

    def addSubTest(self, test, subtest, err):
        self._cases.add(test.id())
        self._note(subtest, err)

    def addSuccess(self, test):
        if test.id() not in self._cases:
            self._note(test, None)

    def addFailure(self, test, err):
        self._note(test, err)

    def addError(self, test, err):
        self._note(test, err)

    def addSkip(self, test, reason):
        self.outcomes[self._name(test)] = f"skipped: {reason}"

    def _note(self, test, err):
        self.outcomes[self._name(test)] = None if err is None else f"{err[0].__name__}: {err[1]}"

    def _name(self, test):
        return test.id().removeprefix(f"tests.{MODULE}.")


freezegun = types.ModuleType("freezegun")
freezegun.freeze_time = freeze_time
sys.modules["freezegun"] = freezegun
tuf.ngclient.Updater = Updater

outcomes = Outcomes()
with tempfile.TemporaryDirectory() as here:
    # One of the modules serves the current directory.
    os.chdir(here)
    unittest.defaultTestLoader.loadTestsFromName(f"tests.{MODULE}").run(outcomes)
    os.chdir(SOURCES)
json.dump(outcomes.outcomes, sys.stdout)
