"""Makes a small repository with python-tuf's own tools: make-repository.py DIRECTORY

DIRECTORY/1 and DIRECTORY/2 hold `metadata/` and `targets/`: as first published, and after a root rotation and a new
target. Keys of four kinds; `team` is delegated to by paths, `pool` has succinct bins.
"""

import datetime
import pathlib
import shutil
import sys

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    SuccinctRoles,
    TargetFile,
    Targets,
    Timestamp,
)

EXPIRES = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=2)

home = pathlib.Path(sys.argv[1])
state = home / "1"
ecdsa, rsa, ed25519 = CryptoSigner.generate_ecdsa(), CryptoSigner.generate_rsa(), CryptoSigner.generate_ed25519()
rotated = CryptoSigner.generate_ecdsa()
pkcs1 = CryptoSigner.generate_rsa(scheme="rsa-pkcs1v15-sha256")
online = CryptoSigner.generate_ed25519()


def publish(name: str, signed, *signers: CryptoSigner) -> None:
    metadata = Metadata(signed)
    for signer in signers:
        metadata.sign(signer, append=True)
    versioned = name if name == "timestamp" else f"{signed.version}.{name}"
    path = state / "metadata" / f"{versioned}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(metadata.to_bytes())


def add(role: Targets, path: str, data: bytes, algorithms: list[str]) -> None:
    info = TargetFile.from_data(path, data, algorithms)
    role.targets[path] = info
    folder, name = (state / "targets" / path).parent, path.split("/")[-1]
    folder.mkdir(parents=True, exist_ok=True)
    for digest in info.hashes.values():
        (folder / f"{digest}.{name}").write_bytes(data)


root = Root(expires=EXPIRES, consistent_snapshot=True)
for signer, role in [(ecdsa, "root"), (rsa, "root"), (ed25519, "timestamp"), (pkcs1, "snapshot"), (rsa, "targets")]:
    root.add_key(signer.public_key, role)
root.roles["root"].threshold = 2

targets = Targets(expires=EXPIRES)
team, pool = Targets(expires=EXPIRES), Targets(expires=EXPIRES)
targets.delegations = Delegations(
    keys={key.keyid: key for key in (rsa.public_key, online.public_key)},
    roles={
        "team": DelegatedRole("team", [rsa.public_key.keyid], 1, True, paths=["team/*"]),
        "pool": DelegatedRole("pool", [online.public_key.keyid], 1, False, paths=["pool/*", "pool/*/*"]),
    },
)
succinct = SuccinctRoles([online.public_key.keyid], 1, 2, "pool-bin")
pool.delegations = Delegations(keys={online.public_key.keyid: online.public_key}, succinct_roles=succinct)
bins = {name: Targets(expires=EXPIRES) for name in succinct.get_roles()}

add(targets, "top.txt", b"top", ["sha256"])
add(team, "team/app.bin", b"team " * 5000, ["sha512", "sha256"])
for path in ("pool/a.txt", "pool/deep/b.txt"):
    add(bins[succinct.get_role_for_target(path)], path, path.encode() * 100, ["blake2b-256"])

snapshot, timestamp = Snapshot(expires=EXPIRES), Timestamp(expires=EXPIRES)
delegated = {"targets": targets, "team": team, "pool": pool, **bins}
snapshot.meta = {f"{name}.json": MetaFile(role.version) for name, role in delegated.items()}

publish("root", root, ecdsa, rsa)
publish("targets", targets, rsa)
publish("team", team, rsa)
publish("pool", pool, online)
for name, role in bins.items():
    publish(name, role, online)
publish("snapshot", snapshot, pkcs1)
publish("timestamp", timestamp, ed25519)

shutil.copytree(state, home / "2")
state = home / "2"
root.version = 2
root.add_key(rotated.public_key, "root")
root.revoke_key(ecdsa.public_key.keyid, "root")
publish("root", root, ecdsa, rsa, rotated)
team.version = 2
add(team, "team/new.bin", b"new", ["sha256"])
publish("team", team, rsa)
snapshot.version = 2
snapshot.meta["team.json"].version = 2
publish("snapshot", snapshot, pkcs1)
timestamp.version = 2
timestamp.snapshot_meta.version = 2
publish("timestamp", timestamp, ed25519)
