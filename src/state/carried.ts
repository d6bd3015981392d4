import { z } from 'zod';
import type { Carried } from '../ports/carried.ts';
import type { Item } from '../ports/index-state.ts';
import type { StateStorage } from '../ports/state-storage.ts';
import { encodeJson, parseJson } from './framed.ts';
import { type ItemKind, StoredItem } from './item.ts';
import { carriedPath } from './paths.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Key = z.strictObject({ name: z.string(), public: sha256 });
const Generation = z.strictObject({
  number: z.int().min(1),
  manifest: sha256,
  table: z.strictObject({ sha256, size: z.int().nonnegative() }),
  key: Key.optional(),
  stateAt: z.int(),
  importedAt: z.int(),
  scan: z.strictObject({ version: z.string(), files: z.int().nonnegative() }).optional(),
});
const CarriedState = z.strictObject({
  generations: z.tuple([Generation], Generation).readonly(),
  floor: z.int().nonnegative(),
  reference: z.strictObject({ at: z.int(), by: z.string() }).optional(),
  maxAgeDays: z.int().min(1).optional(),
  announced: z.array(Key.extend({ from: z.int().optional(), until: z.int().optional() })).readonly(),
});

const CARRIED: ItemKind<Carried> = {
  what: 'which bundles were imported, and as of when they are judged',
  encode: encodeJson,
  decode(bytes) {
    const { data } = CarriedState.safeParse(parseJson(bytes));
    return data && complete(data);
  },
};

export function createCarried(storage: StateStorage, index: string): Item<Carried> {
  return new StoredItem({ storage, path: carriedPath(index), kind: CARRIED });
}

/** What JSON leaves out is said to be absent. */
function complete({
  generations: [first, ...others],
  reference,
  maxAgeDays,
  ...rest
}: z.infer<typeof CarriedState>): Carried {
  const whole = (each: z.infer<typeof Generation>) => ({ ...each, key: each.key, scan: each.scan });
  return {
    ...rest,
    generations: [whole(first), ...others.map(whole)],
    reference,
    maxAgeDays,
    announced: rest.announced.map((key) => ({ ...key, from: key.from, until: key.until })),
  };
}
