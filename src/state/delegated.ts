import { z } from 'zod';
import { sha256Hex } from '../bytes/digest.ts';
import type { StateStorage } from '../ports/state-storage.ts';
import { decodeFramed, encodeFramed } from './framed.ts';
import { type ItemKind, StoredItem } from './item.ts';
import { RECENT_ROLES, RECENT_S } from './limits.ts';
import { delegatedPath } from './paths.ts';

// A delegated role as it was kept. The role's own versions may begin anew when keys are exchanged, so the item has numbers
// of its own; the newest says which of them hold which earlier versions of the role.

const Earlier = z.strictObject({
  /** The role's version. */
  version: z.int().positive(),
  /** The item's. */
  number: z.int().positive(),
  sha256: z.string(),
  /** Seconds of the system's clock. */
  replacedAt: z.int(),
});
const Header = z.strictObject({ version: z.int().positive(), recent: z.array(Earlier) });

export interface StoredRole extends z.infer<typeof Header> {
  readonly bytes: Uint8Array;
}

export function encodeRole({ bytes, ...header }: StoredRole): Uint8Array {
  return encodeFramed(header, bytes);
}

/** What is damaged can be fetched again, and the snapshot says which version. */
const ROLE: ItemKind<StoredRole> = {
  what: 'a delegated role',
  encode: encodeRole,
  decode(value) {
    const framed = decodeFramed(value);
    const header = Header.safeParse(framed?.header).data;
    return framed && header && { ...header, bytes: framed.body };
  },
  replaceable: true,
};

export interface DelegatedRoles {
  read(role: string, version: number): Promise<Uint8Array | undefined>;
  keep(role: string, version: number, bytes: Uint8Array): Promise<void>;
}

export function createDelegatedRoles(storage: StateStorage, index: string, now: () => number): DelegatedRoles {
  const itemOf = (role: string) =>
    new StoredItem({
      storage,
      path: delegatedPath(index, role),
      kind: ROLE,
      keepFrom: ({ version, value }) => Math.min(version, ...value.recent.map(({ number }) => number)),
    });

  return {
    async read(role, version) {
      const item = itemOf(role);
      const newest = (await item.read())?.value;
      if (newest === undefined || newest.version === version) return newest?.bytes;
      const earlier = newest.recent.find((each) => each.version === version);
      return earlier && (await item.readVersion(earlier.number))?.bytes;
    },
    async keep(role, version, bytes) {
      const sha256 = sha256Hex(bytes);
      await itemOf(role).change((was) => {
        if (was === undefined) return { version, bytes, recent: [] };
        const { value } = was;
        const replaced = { version: value.version, number: was.version, sha256: sha256Hex(value.bytes) };
        const known = [replaced, ...value.recent].some((each) => each.version === version && each.sha256 === sha256);
        if (known) return undefined;
        const replacedAt = now();
        const recent = [{ ...replaced, replacedAt }, ...value.recent]
          .filter((each) => each.version !== version && replacedAt - each.replacedAt < RECENT_S)
          .slice(0, RECENT_ROLES);
        return { version, bytes, recent };
      });
    },
  };
}
