import type { JsonObject } from '../tuf/json/json-value.ts';
import { base64, few, malformed, member, text, whole } from './fields.ts';
import { LIMITS } from './limits.ts';

/** An entry of a transparency log, as protobuf's JSON writes it, with nothing in it that no signature covers. */
export interface Entry {
  readonly logId: Buffer<ArrayBuffer>;
  readonly kind: string;
  readonly version: string;
  /** The log signed when it took the entry in (Rekor's first generation); where it did not, signed timestamps say the time. */
  readonly isPromised: boolean;
  /** What the log took in. */
  readonly body: Buffer<ArrayBuffer>;
  /** For the verifier. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Throws Refusal `format`; `path` is what it names. */
export function readEntry(entry: JsonObject, path: string): Entry {
  const logId = base64(member(entry, 'logId', path).get('keyId'), `${path}.logId.keyId`);
  const kindVersion = member(entry, 'kindVersion', path);
  const kind = text(kindVersion.get('kind'), `${path}.kindVersion.kind`);
  const version = text(kindVersion.get('version'), `${path}.kindVersion.version`);
  const promise = entry.get('inclusionPromise');
  const isPromised = promise !== undefined && promise !== null;
  const signed = isPromised ? member(entry, 'inclusionPromise', path).get('signedEntryTimestamp') : undefined;
  const proof = readProof(member(entry, 'inclusionProof', path), `${path}.inclusionProof`);
  const logIndex = whole(entry.get('logIndex'), `${path}.logIndex`);
  const time = whole(entry.get('integratedTime') ?? '0', `${path}.integratedTime`);
  const body = base64(entry.get('canonicalizedBody'), `${path}.canonicalizedBody`);
  // Both are covered by the promise alone.
  if (!isPromised && time !== 0n) throw malformed(`${path}.integratedTime`, 'signed by the log');
  if (!isPromised && logIndex !== proof.logIndex) throw malformed(`${path}.logIndex`, 'that of its proof');
  return {
    logId,
    kind,
    version,
    isPromised,
    body,
    json: {
      logIndex: String(logIndex),
      logId: { keyId: logId.toString('base64') },
      kindVersion: { kind, version },
      integratedTime: String(time),
      ...(isPromised
        ? { inclusionPromise: { signedEntryTimestamp: base64(signed, `${path}.inclusionPromise`).toString('base64') } }
        : {}),
      inclusionProof: proof.json,
      canonicalizedBody: body.toString('base64'),
    },
  };
}

/** The proof's own words for the tree must be those that the log signed: nothing else would hold them. */
function readProof(proof: JsonObject, path: string) {
  const envelope = text(member(proof, 'checkpoint', path).get('envelope'), `${path}.checkpoint.envelope`);
  const tree = readCheckpoint(envelope, `${path}.checkpoint`);
  const rootHash = base64(proof.get('rootHash'), `${path}.rootHash`);
  const treeSize = whole(proof.get('treeSize'), `${path}.treeSize`);
  if (treeSize !== tree.size) throw malformed(`${path}.treeSize`, 'that of its checkpoint');
  if (!rootHash.equals(tree.hash)) throw malformed(`${path}.rootHash`, 'that of its checkpoint');
  const hashes = few(proof.get('hashes'), `${path}.hashes`, LIMITS.hashes, 0);
  const logIndex = whole(proof.get('logIndex'), `${path}.logIndex`);
  return {
    logIndex,
    json: {
      logIndex: String(logIndex),
      rootHash: rootHash.toString('base64'),
      treeSize: String(treeSize),
      hashes: hashes.map((hash) => base64(hash, `${path}.hashes`).toString('base64')),
      checkpoint: { envelope },
    },
  };
}

/** A name of letters that mean themselves: the verifier takes it for a pattern. */
const SIGNATURE_LINE = /^\u2014 ([A-Za-z0-9._:/-]+) (\S+)$/;

/** A signed note (C2SP): origin, size and root of the tree, an empty line, signature lines, and nothing besides. */
function readCheckpoint(envelope: string, path: string): { readonly size: bigint; readonly hash: Buffer } {
  const [note = '', signatures = ''] = envelope.split('\n\n');
  const [origin = '', size, hash] = note.split('\n');
  const lines = signatures.split('\n');
  // Behind an empty line there would be none at the end of the last signature.
  if (lines.pop() !== '') throw malformed(path, 'a signed note');
  const [log] = origin.split(' ');
  for (const [at, line] of lines.entries()) {
    const [, name, signature] = SIGNATURE_LINE.exec(line) ?? [];
    // The log's own comes first, under the name that is signed.
    base64(at > 0 || name === log ? signature : undefined, `${path}, in a signature`);
  }
  return { size: whole(size, `${path}, its size`), hash: base64(hash, `${path}, its root`) };
}
