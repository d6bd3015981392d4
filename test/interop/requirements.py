"""packaging's verdicts: reads one JSON object on standard input, writes one on standard output.

In: versions (pairs of texts), specifiers (pairs of a set and a version), requirements (texts), markers (a marker, an
environment and the extras that are asked for).
Out: the same keys. versions: -1, 0, 1, or null where one is none; specifiers: true, false or null; requirements: null, or name, extras,
url and the marker as JSON; markers: true, false, null for what is no marker, "undefined" for what compares nothing.
"""

import json
import sys

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version


def order(one, other):
    try:
        a, b = Version(one), Version(other)
    except InvalidVersion:
        return None
    return (a > b) - (a < b)


def contained(specifiers, version):
    try:
        return SpecifierSet(specifiers).contains(version, prereleases=True)
    except InvalidSpecifier:
        return None


def requirement(text):
    try:
        read = Requirement(text)
    except InvalidRequirement:
        return None
    return {
        "project": canonicalize_name(read.name),
        "extras": sorted({canonicalize_name(extra) for extra in read.extras}),
        "url": read.url or None,
        "hasMarker": read.marker is not None,
    }


def judged(text, environment, extras):
    try:
        marker = Marker(text)
    except InvalidMarker:
        return None
    values = {**environment, "extra": set(extras), "extras": set(extras), "dependency_groups": set()}
    try:
        return marker.evaluate(values, context="lock_file")
    except (UndefinedComparison, UndefinedEnvironmentName):
        return "undefined"


def tags(version, platforms):
    found = [*cpython_tags(version, platforms=platforms), *compatible_tags(version, f"cp{version[0]}{version[1]}", platforms)]
    return [str(tag) for tag in found]


told = json.load(sys.stdin)
json.dump(
    {
        "versions": [order(*pair) for pair in told["versions"]],
        "specifiers": [contained(*pair) for pair in told["specifiers"]],
        "requirements": [requirement(text) for text in told["requirements"]],
        "markers": [judged(*case) for case in told["markers"]],
        "tags": [tags(tuple(version), platforms) for version, platforms in told["tags"]],
    },
    sys.stdout,
)
