"""The same by python-tuf: judge_snapshot.py DIRECTORY ROUNDS"""

import json
import pathlib
import sys
import time

from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType

directory = pathlib.Path(sys.argv[1])
root, timestamp, snapshot = ((directory / f"{role}.json").read_bytes() for role in ("root", "timestamp", "snapshot"))
cpu = []
for _ in range(int(sys.argv[2])):
    before = time.process_time()
    trusted = TrustedMetadataSet(root, EnvelopeType.METADATA)
    trusted.update_timestamp(timestamp)
    trusted.update_snapshot(snapshot)
    cpu.append((time.process_time() - before) * 1000)
print(json.dumps({"cpu": cpu}))
