import { lend, mustBe, type ReadonlyBytes } from '../bytes/proof.ts';
import { Refusal } from '../bytes/refusal.ts';
import { Authority } from './authority.ts';
import { type Decode, decodeRoot } from './decode.ts';
import { canonicalize } from './json/canonical.ts';
import { array, at, fieldOf, object, text } from './json/fields.ts';
import { readJson } from './json/json.ts';
import type { JsonObject } from './json/json-value.ts';
import type { Key } from './keys.ts';
import { LIMITS } from './limits.ts';
import type { Root, Signed } from './model.ts';
import type { Sliced } from './sliced.ts';

interface Envelope {
  readonly signed: JsonObject;
  /** By keyid; each may stand once (TUF §4.2). */
  readonly signatures: ReadonlyMap<string, string>;
}

let make: <S extends Signed>(bytes: Uint8Array, signed: S, by: readonly [Authority, ...Authority[]]) => Verified<S>;

/** A document whose signatures held under an authority, with upstream's exact bytes, and the name of the role it is. */
export class Verified<S extends Signed> {
  readonly #bytes: Uint8Array;
  readonly #signed: S;
  readonly #by: readonly [Authority, ...Authority[]];

  private constructor(bytes: Uint8Array, signed: S, by: readonly [Authority, ...Authority[]]) {
    this.#bytes = bytes;
    this.#signed = signed;
    this.#by = by;
  }

  static {
    make = (bytes, signed, by) => new Verified(bytes, signed, by);
  }

  static is(value: unknown): value is Verified<Signed> {
    return typeof value === 'object' && value !== null && #by in value;
  }

  get bytes(): ReadonlyBytes {
    return this.#bytes;
  }

  get signed(): S {
    return this.#signed;
  }

  get role(): string {
    return this.#by[0].role;
  }

  /** True where the signatures that were counted must be enough for this authority too, and the role is its. */
  isBy(authority: Authority): boolean {
    return this.#by.some((counted) => counted.covers(authority));
  }
}

/** Opens under one authority; throws `format`, `limit` or `threshold`. Who may import this: test/architecture/makers.ts. */
export function open<S extends Signed>(
  bytes: Uint8Array,
  decode: Decode<S>,
  authority: Authority,
): Sliced<Verified<S>> {
  mustBe(Authority, authority);
  return openBy(bytes, decode, () => [authority]);
}

/** The same document under another authority: itself where that changes nothing, else opened again. */
export function* reopen<S extends Signed>(
  document: Verified<S>,
  decode: Decode<S>,
  authority: Authority,
): Sliced<Verified<S>> {
  mustBe<Verified<Signed>>(Verified, document);
  return document.isBy(mustBe(Authority, authority)) ? document : yield* open(lend(document.bytes), decode, authority);
}

/** A root under its own keys and under those of the root before it. The pinned root is the one assumption: it has none before. */
export function openRoot(bytes: Uint8Array, before?: Root): Sliced<Verified<Root>> {
  return openBy(
    bytes,
    decodeRoot,
    (root) => {
      const own = authorityOf(root, 'root');
      return before === undefined ? [own] : [authorityOf(before, 'root'), own];
    },
    LIMITS.rootValues,
  );
}

/** Checks signatures and decodes. `by` sees the decoded document, because a root must also be signed by its own keys. */
function* openBy<S extends Signed>(
  bytes: Uint8Array,
  decode: Decode<S>,
  by: (signed: S) => readonly [Authority, ...Authority[]],
  mostValues: number = mostValuesOf(bytes),
): Sliced<Verified<S>> {
  const envelope = readEnvelope(yield* readJson(bytes, mostValues));
  const signed = yield* decode(envelope.signed);
  const message = yield* canonicalize(envelope.signed);
  const authorities = by(signed);
  const signatures = new Signatures(message, envelope.signatures);
  for (const authority of authorities) yield* refuseBelowThreshold(signatures, authority);
  return make(bytes, signed, authorities);
}

/** A document is parsed before it is known who wrote it: what that costs is in proportion to its bytes. */
function mostValuesOf({ byteLength }: ReadonlyBytes): number {
  return Math.min(LIMITS.jsonValues, Math.max(LIMITS.fewValues, Math.floor(byteLength / LIMITS.bytesPerValue)));
}

export function authorityOf(root: Root, role: 'root' | 'timestamp' | 'snapshot' | 'targets'): Authority {
  const authority = root.roles.get(role);
  if (authority === undefined) throw new Refusal('format', `The root names no keys for ${role}.`);
  return authority;
}

/** How many distinct keys of the authority signed a document; for people, never for a decision. */
export function* countSigners({ bytes }: { readonly bytes: ReadonlyBytes }, authority: Authority): Sliced<number> {
  const envelope = readEnvelope(yield* readJson(lend(bytes)));
  const signatures = new Signatures(yield* canonicalize(envelope.signed), envelope.signatures);
  return (yield* signersOf(signatures, authority, authority.keys.size)).size;
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

/** What was signed, by keyid; a key is checked once, however many authorities list it (a root's old keys and its own). */
class Signatures {
  readonly #message: Uint8Array;
  readonly #hex: ReadonlyMap<string, string>;
  readonly #checked = new Map<string, { readonly by: Key; readonly holds: boolean }>();

  constructor(message: Uint8Array, hex: ReadonlyMap<string, string>) {
    this.#message = message;
    this.#hex = hex;
  }

  /** True where something that looks like a signature stands under this keyid. */
  has(keyid: string): boolean {
    const hex = this.#hex.get(keyid);
    return hex !== undefined && hex.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(hex);
  }

  holds(keyid: string, key: Key): boolean {
    const before = this.#checked.get(keyid);
    if (before !== undefined && isWrittenAlike(before.by, key)) return before.holds;
    const holds = key.verifies(this.#message, Buffer.from(this.#hex.get(keyid) ?? '', 'hex'));
    this.#checked.set(keyid, { by: key, holds });
    return holds;
  }
}

function isWrittenAlike(a: Key, b: Key): boolean {
  return a.keytype === b.keytype && a.scheme === b.scheme && a.publicKey === b.publicKey;
}

function* refuseBelowThreshold(signatures: Signatures, authority: Authority): Sliced<void> {
  const signers = yield* signersOf(signatures, authority, authority.threshold);
  if (signers.size < authority.threshold)
    throw new Refusal(
      'threshold',
      `${authority.role} needs valid signatures by ${authority.threshold} of its ${authority.keys.size} keys; found ${signers.size}.${notUnderstood(authority)}`,
    );
}

const SCHEMES_NAMED = 3;

/** The schemes of an authority's keys that nobody here can check, where there are any: whoever reads of a threshold must know that it was not forgery. */
function notUnderstood({ keys }: Authority): string {
  const schemes = new Set([...keys.values()].flatMap((key) => key.notUnderstood ?? []));
  if (schemes.size === 0) return '';
  const named = [...schemes].slice(0, SCHEMES_NAMED).join(', ');
  const more = schemes.size > SCHEMES_NAMED ? ` and ${schemes.size - SCHEMES_NAMED} more` : '';
  return ` Not understood, so that such keys count for nothing: ${named}${more}.`;
}

/** Distinct key material that signed, up to `enough`: one key under several ids counts once; one check per keyid. */
function* signersOf(signatures: Signatures, authority: Authority, enough: number): Sliced<Set<string>> {
  const signers = new Set<string>();
  for (const [keyid, key] of authority.keys) {
    if (signers.size >= enough) break;
    if (!signatures.has(keyid)) continue;
    const { material } = key;
    if (material === undefined || signers.has(material)) continue;
    if (signatures.holds(keyid, key)) signers.add(material);
    yield;
  }
  return signers;
}
