"""Which versions an advisory speaks of, by OSV's evaluation with packaging's order: reads a JSON list of pairs (what is affected, and
versions) on standard input, writes a list of lists of booleans on standard output.
"""

import json
import sys

from packaging.version import Version


def key(event):
    ((kind, text),) = event.items()
    # What was fixed at a version may have come back there, and the last one affected is affected.
    return (0 if kind == "introduced" and text == "0" else 1, Version(text), ["fixed", "introduced", "last_affected"].index(kind))


def within(events, version):
    limits = [event["limit"] for event in events if "limit" in event]
    if limits and not any(limit == "*" or version < Version(limit) for limit in limits):
        return False
    vulnerable = False
    for event in sorted((event for event in events if "limit" not in event), key=key):
        if "introduced" in event:
            vulnerable = vulnerable or event["introduced"] == "0" or version >= Version(event["introduced"])
        elif "fixed" in event:
            vulnerable = vulnerable and version < Version(event["fixed"])
        else:
            vulnerable = vulnerable and version <= Version(event["last_affected"])
    return vulnerable


def affected(said, text):
    version = Version(text)
    return any(version == Version(each) for each in said["versions"]) or any(
        within(each["events"], version) for each in said["ranges"]
    )


json.dump([[affected(said, text) for text in versions] for said, versions in json.load(sys.stdin)], sys.stdout)
