"""python-tuf's verdicts: reads one JSON object on standard input, writes a list of verdicts on standard output.

In: base (name to base64: root1, root2, timestamp1, timestamp2, snapshot1, snapshot2, targets), time (seconds), paths,
cases (a list of role and base64). A case is judged at the stage to which the base documents before it lead.
Out: for each case `verdict`, "accepted" or the exception's name, and for accepted targets roles `next`: path to the list of
roles to visit next, with whether they terminate; `lengths`: path to the length listed.
"""

import base64
import copy
import datetime
import json
import sys

from tuf.api.exceptions import EqualVersionNumberError
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType

told = json.load(sys.stdin)
base = {name: base64.b64decode(text) for name, text in told["base"].items()}
now = datetime.datetime.fromtimestamp(told["time"], tz=datetime.timezone.utc)


def fork(trusted: TrustedMetadataSet) -> TrustedMetadataSet:
    own = copy.copy(trusted)
    own._trusted_set = dict(trusted._trusted_set)
    own._trusted_delegations = set(trusted._trusted_delegations)
    return own


at_root1 = TrustedMetadataSet(base["root1"], EnvelopeType.METADATA)
at_root1.reference_time = now
at_root = fork(at_root1)
at_root.update_root(base["root2"])
held_timestamp = fork(at_root)
held_timestamp.update_timestamp(base["timestamp1"])
at_timestamp = fork(held_timestamp)
try:
    at_timestamp.update_timestamp(base["timestamp2"])
except EqualVersionNumberError:
    pass
held_snapshot = fork(held_timestamp)
held_snapshot.update_snapshot(base["snapshot1"])
held_snapshot._trusted_set["timestamp"] = at_timestamp._trusted_set["timestamp"]
at_snapshot = fork(held_snapshot)
at_snapshot.update_snapshot(base["snapshot2"])
at_targets = fork(at_snapshot)
at_targets.update_targets(base["targets"])

judges = {
    "root": lambda data: fork(at_root1).update_root(data),
    "timestamp": lambda data: fork(held_timestamp).update_timestamp(data),
    "snapshot": lambda data: fork(held_snapshot).update_snapshot(data),
    "targets": lambda data: fork(at_snapshot).update_targets(data),
    "delegated": lambda data: fork(at_targets).update_delegated_targets(data, "a", "targets"),
}

verdicts = []
for case in told["cases"]:
    verdict = {"verdict": "accepted"}
    try:
        signed = judges[case["role"]](base64.b64decode(case["bytes"]))
        if case["role"] in ("targets", "delegated"):
            delegations = signed.delegations
            verdict["next"] = {
                path: [] if delegations is None else [[name, ends] for name, ends in delegations.get_roles_for_target(path)]
                for path in told["paths"]
            }
            verdict["lengths"] = {path: signed.targets[path].length for path in told["paths"] if path in signed.targets}
    except EqualVersionNumberError:
        pass  # the updater goes on with what it holds
    except Exception as error:  # noqa: BLE001 whatever it is, it is not believed
        verdict = {"verdict": type(error).__name__}
    verdicts.append(verdict)
json.dump(verdicts, sys.stdout)
