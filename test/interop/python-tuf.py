"""python-tuf as a client: reads one JSON object on standard input, writes one on standard output.

In: root (a path), metadata_url, targets_url, directory, targets (paths), prefix (whether hashes prefix target names), and
reference_time (seconds; now unless given).
Out: fetched (url, status, base64 of the body), cache (file name to base64), targets (path to base64, null where absent).
"""

import base64
import datetime
import json
import pathlib
import sys
from collections.abc import Iterator

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.urllib3_fetcher import Urllib3Fetcher

fetched: list[dict] = []


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Recorder(Urllib3Fetcher):
    def fetch(self, url: str) -> Iterator[bytes]:
        try:
            body = b"".join(super().fetch(url))
        except DownloadHTTPError as error:
            fetched.append({"url": url, "status": error.status_code, "body": ""})
            raise
        fetched.append({"url": url, "status": 200, "body": text(body)})
        yield body


case = json.load(sys.stdin)
directory = pathlib.Path(case["directory"])
metadata, target_dir = directory / "metadata", directory / "targets"
metadata.mkdir(parents=True, exist_ok=True)
target_dir.mkdir(exist_ok=True)
updater = Updater(
    metadata_dir=str(metadata),
    metadata_base_url=case["metadata_url"],
    target_dir=str(target_dir),
    target_base_url=case["targets_url"],
    fetcher=Recorder(),
    config=UpdaterConfig(prefix_targets_with_hash=case["prefix"]),
    bootstrap=pathlib.Path(case["root"]).read_bytes(),
)
if (at := case.get("reference_time")) is not None:
    # TUF §5: all of a walk is judged as of one time; python-tuf has no option for it.
    updater._trusted_set.reference_time = datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
updater.refresh()
targets = {}
for path in case["targets"]:
    info = updater.get_targetinfo(path)
    targets[path] = None if info is None else text(pathlib.Path(updater.download_target(info)).read_bytes())
cache = {
    path.name: text(path.read_bytes()) for path in metadata.rglob("*") if path.is_file() and not path.name == "lock"
}
json.dump({"fetched": fetched, "cache": cache, "targets": targets}, sys.stdout)
