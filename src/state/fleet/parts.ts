import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { sha256Hex } from '../../bytes/digest.ts';
import { packFrames, unpackFrames } from '../../bytes/frames.ts';
import { type ItemPath, type NewVersion, STATE_VALUE_BYTES } from '../../ports/state-storage.ts';
import { encodeJson, parseJson } from '../framed.ts';
import { type IndexObjects, numbered } from './objects.ts';
import { notesPath } from './position.ts';

// A whole state in the store: objects of some thousand versions each, which mean nothing until something sealed names their digests.

export const ItemNames = z
  .tuple([z.string()])
  .rest(z.string())
  .transform(([index, ...names]): ItemPath => [index, ...names]);
export const ItemVersion = z.int().positive();

export const WholeState = z.strictObject({
  /** The folder of its parts. */
  folder: z.string().regex(/^[0-9a-f-]{1,64}$/),
  /** SHA-256 of each, in their order. */
  parts: z.array(z.string().regex(/^[0-9a-f]{64}$/)).readonly(),
  bytes: z.int().nonnegative(),
});
export type WholeState = z.output<typeof WholeState>;

const Rows = z.array(z.strictObject({ item: ItemNames, version: ItemVersion }));

/** Values and versions after which a part is closed; and the most that one can then have: a value of the largest kind over the first. */
const PART_BYTES = 4 * 1024 * 1024;
const PART_VERSIONS = 4096;
const PART_LIMIT = STATE_VALUE_BYTES + 32 * 1024 * 1024;

type Versions = AsyncIterable<readonly NewVersion[]>;

/** Puts all of them there, but what a copy notes about itself. `number`: of an entry that the state is not older than. */
export async function writeWhole(objects: IndexObjects, number: number, versions: Versions): Promise<WholeState> {
  const folder = `${numbered(number)}-${randomUUID()}`;
  const parts: string[] = [];
  let size = 0;
  for await (const part of encoded(objects.index, versions)) {
    if (!(await objects.create(partName(folder, parts.length), part)))
      throw objects.refusal('The store of the fleet says that somebody else has a name nobody knows', {
        transient: true,
      });
    parts.push(sha256Hex(part));
    size += part.byteLength;
  }
  return { folder, parts, bytes: size };
}

/** Whether these are the versions that it is made of, in the same order. */
export async function isWhole(whole: WholeState, index: string, versions: Versions): Promise<boolean> {
  let at = 0;
  for await (const part of encoded(index, versions)) if (sha256Hex(part) !== whole.parts[at++]) return false;
  return at === whole.parts.length;
}

/** Reads it again. Throws Refusal `state` for anything but what its digests say. */
export async function* readWhole(
  objects: IndexObjects,
  { folder, parts }: WholeState,
): AsyncGenerator<readonly NewVersion[], void, undefined> {
  for (const [at, digest] of parts.entries()) {
    const bytes = await objects.get(partName(folder, at), PART_LIMIT);
    const versions = bytes !== undefined && sha256Hex(bytes) === digest ? decoded(bytes) : undefined;
    if (versions === undefined) throw objects.refusal(`A part of the fleet's state (${folder}) is missing or damaged`);
    yield versions;
  }
}

export async function removeWhole(objects: IndexObjects, folder: string): Promise<void> {
  const names: string[] = [];
  for await (const name of objects.names(`parts/${folder}`)) names.push(name);
  for (const name of names) await objects.remove(`parts/${folder}/${name}`);
}

/** Folders that there are, in their order. */
export async function foldersOf(objects: IndexObjects): Promise<readonly string[]> {
  const folders = new Set<string>();
  for await (const name of objects.names('parts')) folders.add(name.split('/')[0] ?? '');
  return [...folders];
}

function partName(folder: string, at: number): string {
  return `parts/${folder}/${numbered(at)}`;
}

async function* encoded(index: string, versions: Versions): AsyncGenerator<Uint8Array, void, undefined> {
  const notes = notesPath(index);
  let some: NewVersion[] = [];
  let bytes = 0;
  for await (const batch of versions)
    for (const each of batch) {
      if (notes.every((name, at) => each.item[at] === name)) continue;
      some.push(each);
      bytes += each.value.byteLength;
      if (bytes < PART_BYTES && some.length < PART_VERSIONS) continue;
      yield encodePart(some);
      some = [];
      bytes = 0;
    }
  if (some.length > 0) yield encodePart(some);
}

function encodePart(versions: readonly NewVersion[]): Uint8Array {
  const rows = versions.map(({ item, version }) => ({ item, version }));
  return packFrames([encodeJson(rows), ...versions.map(({ value }) => value)]);
}

function decoded(bytes: Uint8Array): readonly NewVersion[] | undefined {
  const [first, ...values] = unpackFrames(bytes) ?? [];
  const { data } = Rows.safeParse(first && parseJson(first));
  if (data === undefined || data.length !== values.length) return undefined;
  return data.map((row, at) => ({ ...row, value: values[at] ?? new Uint8Array() }));
}
