import { z } from 'zod';
import { sha256Hex } from '../bytes/digest.ts';
import type { Instant } from '../bytes/instant.ts';
import type { Known } from '../ports/index-state.ts';
import type { StateStorage } from '../ports/state-storage.ts';
import type {
  FindAgain,
  Publication,
  PublishedTrust,
  StoredClockFloor,
  StoredTrust,
  TrustStore,
} from '../ports/trust/trust-store.ts';
import { encodeJson, parseJson } from './framed.ts';
import { type ItemKind, StoredItem } from './item.ts';
import { RECENT_MOST, RECENT_S } from './limits.ts';
import { trustPath } from './paths.ts';
import { cannotBelieve } from './refusals.ts';
import type { Roots } from './roots.ts';

const Version = z.int().positive();
/** A document by its version, the version of the item that holds it, and its digest. */
const Document = z.strictObject({ version: Version, number: Version, sha256: z.string() });
const Pointer = z.strictObject({
  rootVersion: Version,
  /** The clock floor. */
  acceptedAt: z.int(),
  /** How often an operator has set it. */
  clockWords: Version.optional(),
  timestamp: z.base64(),
  snapshot: Document,
  targets: Document,
  /** Replaced, and still asked for by clients in the middle of a walk. */
  recent: z.array(Document.extend({ role: z.enum(['snapshot', 'targets']), until: z.int() })),
});
type Document = z.infer<typeof Document>;
export type Pointer = z.infer<typeof Pointer>;
type DocumentRole = 'snapshot' | 'targets';
type Kept = 'load' | 'clockFloor' | 'acceptClock' | 'publish' | 'recent';

const WHAT = 'the trust that the index has come to';

export function encodePointer(pointer: Pointer): Uint8Array {
  return encodeJson(pointer);
}

const POINTER: ItemKind<Pointer> = {
  what: WHAT,
  encode: encodePointer,
  decode: (bytes) => Pointer.safeParse(parseJson(bytes)).data,
};
/** The pointer says which it is: the same can be had again. */
const DOCUMENT: ItemKind<Uint8Array> = {
  what: WHAT,
  encode: (bytes) => bytes,
  decode: (bytes) => bytes,
  replaceable: true,
};

/** A load that overlaps publications starts again; each time another process made progress. */
const LOAD_AGAIN = 20;

/** What makes one set of documents current: a pointer that only goes forward, and the documents it names. */
export class Published implements Pick<TrustStore, Kept> {
  readonly #pointer: StoredItem<Pointer>;
  readonly #documents: Readonly<Record<DocumentRole, StoredItem<Uint8Array>>>;
  readonly #storage: StateStorage;
  readonly #index: string;
  readonly #roots: Pick<Roots, 'all'>;

  constructor(storage: StateStorage, index: string, roots: Pick<Roots, 'all'>) {
    this.#storage = storage;
    this.#index = index;
    this.#roots = roots;
    this.#pointer = new StoredItem({ storage, path: trustPath(index, 'current'), kind: POINTER });
    // What the pointer refers to stays: the pointer says what may go.
    const documents = (role: DocumentRole) =>
      new StoredItem({ storage, path: trustPath(index, role), kind: DOCUMENT, keepFrom: () => 1 });
    this.#documents = { snapshot: documents('snapshot'), targets: documents('targets') };
  }

  async load(findAgain?: FindAgain): Promise<StoredTrust | undefined> {
    for (let again = 0; ; again++) {
      const current = await this.#pointer.read();
      if (current === undefined) return undefined;
      const { value: pointer, id } = current;
      const [snapshot, targets] = await Promise.all([
        this.#document('snapshot', pointer.snapshot),
        this.#document('targets', pointer.targets),
      ]);
      if (snapshot !== undefined && targets !== undefined)
        return {
          current: nameOf(current),
          roots: await this.#roots.all(),
          rootVersion: pointer.rootVersion,
          timestamp: Buffer.from(pointer.timestamp, 'base64'),
          snapshot,
          targets,
          acceptedAt: pointer.acceptedAt,
          clockWords: pointer.clockWords ?? 0,
        };
      // Gone because another process published, or gone for good?
      if ((await this.#pointer.read())?.id !== id && again < LOAD_AGAIN) continue;
      if (again === LOAD_AGAIN || !(await this.#mended(current, findAgain)))
        throw cannotBelieve(JSON.stringify(trustPath(this.#index)), WHAT);
    }
  }

  async clockFloor(): Promise<StoredClockFloor | undefined> {
    const current = await this.#pointer.read();
    return current && floorOf(current.value);
  }

  async acceptClock(now: Instant): Promise<StoredClockFloor | undefined> {
    const known = await this.#pointer.change(
      (was) =>
        was && {
          ...was.value,
          acceptedAt: Math.min(was.value.acceptedAt, now),
          clockWords: (was.value.clockWords ?? 0) + 1,
        },
    );
    return known && floorOf(known.value);
  }

  async publish(next: PublishedTrust, replaces: string | undefined): Promise<Publication> {
    const before = await this.#pointer.read();
    if (before !== undefined ? nameOf(before) !== replaces : replaces !== undefined) return { result: 'superseded' };
    // Children first (PEP 458 "Producing Consistent Snapshots"): each is durable before the pointer names it.
    const [snapshot, targets] = await Promise.all([
      this.#keep('snapshot', next.snapshot, next.snapshotVersion, before?.value.snapshot),
      this.#keep('targets', next.targets, next.targetsVersion, before?.value.targets),
    ]);
    const pointer: Pointer = {
      rootVersion: next.rootVersion,
      acceptedAt: next.acceptedAt,
      ...(before?.value.clockWords !== undefined && { clockWords: before.value.clockWords }),
      timestamp: Buffer.from(next.timestamp).toString('base64'),
      snapshot,
      targets,
      recent: recentOf(before?.value, next.publishedAt, [snapshot, targets]),
    };
    const known = await this.#pointer.change((was) => (was?.id === before?.id ? pointer : undefined));
    if (known === undefined) return { result: 'superseded' };
    this.#removeUnreferenced(pointer);
    return { result: 'published', current: nameOf(known) };
  }

  async recent(role: DocumentRole, version: number): Promise<Uint8Array | undefined> {
    const pointer = (await this.#pointer.read())?.value;
    if (pointer === undefined) return undefined;
    const found =
      pointer[role].version === version
        ? pointer[role]
        : pointer.recent.find((entry) => entry.role === role && entry.version === version);
    return found && this.#document(role, found);
  }

  async #document(role: DocumentRole, { number, sha256 }: Document): Promise<Uint8Array | undefined> {
    const bytes = await this.#documents[role].readVersion(number);
    if (bytes !== undefined && sha256Hex(bytes) !== sha256)
      throw cannotBelieve(JSON.stringify(trustPath(this.#index, role)), WHAT);
    return bytes;
  }

  /** Stores again what is damaged, and lets the pointer name that; false where it cannot be had. */
  async #mended({ value: pointer, id }: Known<Pointer>, findAgain: FindAgain | undefined): Promise<boolean> {
    let next = pointer;
    for (const role of ['snapshot', 'targets'] as const) {
      const { version, sha256 } = pointer[role];
      if ((await this.#document(role, pointer[role])) !== undefined) continue;
      const bytes = await findAgain?.(role, version);
      if (bytes === undefined || sha256Hex(bytes) !== sha256) return false;
      const known = await this.#documents[role].change(() => bytes);
      next = { ...next, [role]: { version, number: known?.version ?? 0, sha256 } };
    }
    await this.#pointer.change((was) => (was?.id === id ? next : undefined));
    return true;
  }

  async #keep(role: DocumentRole, bytes: Uint8Array, version: number, before: Document | undefined): Promise<Document> {
    const sha256 = sha256Hex(bytes);
    if (before?.sha256 === sha256) return { version, number: before.number, sha256 };
    const known = await this.#documents[role].change(() => bytes);
    return { version, number: known?.version ?? 0, sha256 };
  }

  /** Only what is older than all that the pointer names: what is newer may be another process's next publication. */
  #removeUnreferenced(pointer: Pointer): void {
    for (const role of ['snapshot', 'targets'] as const) {
      const recent = pointer.recent.filter((entry) => entry.role === role);
      const oldest = Math.min(pointer[role].number, ...recent.map(({ number }) => number));
      // Costs space only, until the next time.
      this.#storage.removeBelow(trustPath(this.#index, role), oldest).catch(() => undefined);
    }
  }
}

function floorOf({ acceptedAt: at, clockWords: words = 0 }: Pointer): StoredClockFloor {
  return { at, words };
}

function nameOf({ version, id }: { readonly version: number; readonly id: string }): string {
  return `${version}-${id}`;
}

/** What clients in mid-walk may still ask for, newest first. */
function recentOf(before: Pointer | undefined, at: number, now: readonly Document[]): Pointer['recent'] {
  if (before === undefined) return [];
  const until = at + RECENT_S;
  return [
    { role: 'snapshot' as const, ...before.snapshot, until },
    { role: 'targets' as const, ...before.targets, until },
    ...before.recent,
  ]
    .filter((entry) => entry.until > at && now.every(({ sha256 }) => sha256 !== entry.sha256))
    .slice(0, RECENT_MOST);
}
