import { Refusal } from '../bytes/refusal.ts';
import { covers } from './authority.ts';
import type { Decode } from './decode.ts';
import { canonicalize } from './json/canonical.ts';
import { array, at, fieldOf, object, text } from './json/fields.ts';
import { readJson } from './json/json.ts';
import type { JsonObject } from './json/json-value.ts';
import { LIMITS } from './limits.ts';
import type { Authority, Root, Signed } from './model.ts';
import type { Sliced } from './sliced.ts';

interface Envelope {
  readonly signed: JsonObject;
  /** By keyid; each may stand once (TUF §4.2). */
  readonly signatures: ReadonlyMap<string, string>;
}

/** A document whose signatures held under an authority, with upstream's exact bytes. Only `open…` makes one. */
export class Verified<S extends Signed> {
  readonly #opened = true;
  readonly bytes: Uint8Array;
  readonly signed: S;
  readonly #by: readonly Authority[];

  private constructor(bytes: Uint8Array, signed: S, by: readonly Authority[]) {
    this.bytes = bytes;
    this.signed = signed;
    this.#by = by;
  }

  static is(value: unknown): value is Verified<Signed> {
    return typeof value === 'object' && value !== null && #opened in value;
  }

  /** Checks signatures and decodes. `by` sees the decoded document, because a root must also be signed by its own keys. */
  static *open<S extends Signed>(
    bytes: Uint8Array,
    decode: Decode<S>,
    by: (signed: S) => readonly Authority[],
    mostValues?: number,
  ): Sliced<Verified<S>> {
    const envelope = readEnvelope(yield* readJson(bytes, mostValues));
    const signed = yield* decode(envelope.signed);
    const message = yield* canonicalize(envelope.signed);
    const authorities = by(signed);
    for (const authority of authorities) yield* refuseBelowThreshold(message, envelope.signatures, authority);
    return new Verified(bytes, signed, authorities);
  }

  /** True where the signatures that were counted must be enough for this authority too. */
  isBy(authority: Authority): boolean {
    return this.#by.some((counted) => covers(counted, authority));
  }

  /** The same document under another authority: itself where that changes nothing, else opened again. */
  static *reopen<S extends Signed>(held: Verified<S>, decode: Decode<S>, authority: Authority): Sliced<Verified<S>> {
    return held.isBy(authority) ? held : yield* open(held.bytes, decode, authority);
  }
}

/** Opens under one authority; throws `format`, `limit` or `threshold`. */
export function open<S extends Signed>(
  bytes: Uint8Array,
  decode: Decode<S>,
  authority: Authority,
): Sliced<Verified<S>> {
  return Verified.open(bytes, decode, () => [authority]);
}

/** A root under its own keys and under those of the root before it. The pinned root is the one assumption: it has none before. */
export function openRoot(bytes: Uint8Array, decode: Decode<Root>, before?: Root): Sliced<Verified<Root>> {
  const by = (root: Root) => [...(before === undefined ? [] : [before]), root].map((each) => authorityOf(each, 'root'));
  return Verified.open(bytes, decode, by, LIMITS.rootValues);
}

export function authorityOf(root: Root, role: 'root' | 'timestamp' | 'snapshot' | 'targets'): Authority {
  const authority = root.roles.get(role);
  if (authority === undefined) throw new Refusal('format', `The root names no keys for ${role}.`);
  return authority;
}

/** How many distinct keys of the authority signed these bytes; for people, never for a decision. */
export function* countSigners(bytes: Uint8Array, authority: Authority): Sliced<number> {
  const envelope = readEnvelope(yield* readJson(bytes));
  return (yield* signersOf(yield* canonicalize(envelope.signed), envelope.signatures, authority, authority.keys.size))
    .size;
}

function readEnvelope(document: unknown): Envelope {
  const envelope = object(document, 'the document');
  const signed = object(fieldOf(envelope, 'signed'), 'signed');
  text(fieldOf(signed, '_type'), 'signed._type');
  const listed = array(fieldOf(envelope, 'signatures'), 'signatures');
  if (listed.length > LIMITS.signatures) throw new Refusal('limit', `More than ${LIMITS.signatures} signatures.`);
  const signatures = new Map<string, string>();
  for (const [index, item] of listed.entries()) {
    const path = at('signatures', index);
    const signature = object(item, path);
    const keyid = text(fieldOf(signature, 'keyid'), `${path}.keyid`);
    if (signatures.has(keyid)) throw new Refusal('format', `Two signatures carry the key id ${keyid.slice(0, 80)}.`);
    signatures.set(keyid, text(fieldOf(signature, 'sig'), `${path}.sig`));
  }
  return { signed, signatures };
}

function* refuseBelowThreshold(
  message: Uint8Array,
  signatures: ReadonlyMap<string, string>,
  authority: Authority,
): Sliced<void> {
  const signers = yield* signersOf(message, signatures, authority, authority.threshold);
  if (signers.size < authority.threshold)
    throw new Refusal(
      'threshold',
      `${authority.role} needs valid signatures by ${authority.threshold} of its ${authority.keys.size} keys; found ${signers.size}.`,
    );
}

/** Distinct key material that signed, up to `enough`: one key under several ids counts once; one check per keyid. */
function* signersOf(
  message: Uint8Array,
  signatures: ReadonlyMap<string, string>,
  authority: Authority,
  enough: number,
): Sliced<Set<string>> {
  const signers = new Set<string>();
  for (const [keyid, key] of authority.keys) {
    if (signers.size >= enough) break;
    const hex = signatures.get(keyid);
    if (hex === undefined || hex.length % 2 !== 0 || !/^[0-9a-fA-F]+$/.test(hex)) continue;
    const { material } = key;
    if (material === undefined || signers.has(material)) continue;
    if (key.holds(message, Buffer.from(hex, 'hex'))) signers.add(material);
    yield;
  }
  return signers;
}
