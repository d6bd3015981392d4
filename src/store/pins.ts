import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { ALGORITHMS, type Algorithm, agree, type Digests, isDigest, sha256Hex } from '../bytes/digest.ts';
import type { Pin, Pins } from '../mirror/ports.ts';
import { indexDirectory } from './index-directory.ts';
import { PINS_IN_MEMORY } from './limits.ts';
import { createNumbered, type Numbered, unreadable } from './numbered.ts';
import { onStateDisk } from './storage-errors.ts';
import type { Volume } from './volume.ts';

const StoredDigests = z
  .array(z.tuple([z.enum(ALGORITHMS), z.string()]).refine(([algorithm, hex]) => isDigest(algorithm, hex)))
  .min(1);
const StoredPin = z.strictObject({
  file: z.string(),
  digests: StoredDigests,
  seen: z.int(),
  coreMetadata: StoredDigests.optional(),
});
const StoredPins = z.strictObject({ project: z.string(), pins: z.array(StoredPin) });

interface Known {
  readonly number: number;
  readonly pins: ReadonlyMap<string, Pin>;
}

const PLAIN_NAME = /^[a-z0-9][a-z0-9-]{0,99}$/;

/** A directory name for any project name: itself where it is plain, else its hash (which no plain name looks like). */
function folder(project: string): string {
  const hash = sha256Hex(Buffer.from(project));
  return join(hash.slice(0, 2), PLAIN_NAME.test(project) ? project : `=${hash}`);
}

/** The union of what both name, or undefined where they disagree (or nothing in common lets them agree). */
function merged(old: Digests, next: Digests): Digests | undefined {
  return agree(old, next) ? new Map<Algorithm, string>([...old, ...next]) : undefined;
}

function merge(old: Pin, next: Pin): Pin {
  const digests = merged(old.digests, next.digests);
  // Another file under the same name: what was first seen stays, whole.
  if (digests === undefined) return old;
  const coreMetadata =
    old.coreMetadata === undefined || next.coreMetadata === undefined
      ? (old.coreMetadata ?? next.coreMetadata)
      : (merged(old.coreMetadata, next.coreMetadata) ?? old.coreMetadata);
  return { digests, seen: old.seen, coreMetadata };
}

function same(a: Pin, b: Pin): boolean {
  return a.digests.size === b.digests.size && a.coreMetadata?.size === b.coreMetadata?.size;
}

/** Digests pinned at first sight, one file a project, going only forward (DESIGN §2 "pins"). */
export function createPins(volume: Volume, index: string): Pins {
  const directory = join(indexDirectory(volume, index), 'pins');
  const memory = new LRUCache<string, Known>({ max: PINS_IN_MEMORY });
  const turns = new Map<string, Promise<unknown>>();
  const what = (project: string) => `the digests first seen for ${project}`;
  const fileOf = (project: string): Numbered =>
    createNumbered(volume.durable, join(directory, folder(project)), what(project));

  const read = async (project: string): Promise<Known> => {
    const file = fileOf(project);
    const known = memory.get(project);
    // Another process may have added to it.
    if (known !== undefined && known.number === (await file.number())) return known;
    const found = await file.read();
    if (found === undefined) {
      if (known !== undefined && known.number > 0) throw unreadable(join(directory, folder(project)), what(project));
      return { number: 0, pins: new Map() };
    }
    const parsed = StoredPins.safeParse(found.state);
    if (!parsed.success || parsed.data.project !== project)
      throw unreadable(join(directory, folder(project)), what(project), parsed.error);
    const pins = new Map<string, Pin>();
    for (const { file: name, digests, seen, coreMetadata } of parsed.data.pins)
      pins.set(name, { digests: new Map(digests), seen, coreMetadata: coreMetadata && new Map(coreMetadata) });
    const next = { number: found.number, pins };
    memory.set(project, next);
    return next;
  };

  const add = async (project: string, additions: ReadonlyMap<string, Pin>): Promise<void> => {
    for (;;) {
      const { number, pins } = await read(project);
      const next = new Map(pins);
      let news = false;
      for (const [file, pin] of additions) {
        const old = pins.get(file);
        const result = old === undefined ? pin : merge(old, pin);
        if (old !== undefined && same(old, result)) continue;
        next.set(file, result);
        news = true;
      }
      if (!news) return;
      const stored = [...next].map(([file, pin]) => ({
        file,
        digests: [...pin.digests],
        seen: pin.seen,
        ...(pin.coreMetadata && { coreMetadata: [...pin.coreMetadata] }),
      }));
      if ((await fileOf(project).follow(number, { project, pins: stored })) === undefined) continue;
      memory.set(project, { number: number + 1, pins: next });
      return;
    }
  };

  return {
    of: onStateDisk(async (project: string) => (await read(project)).pins),
    add: onStateDisk((project: string, additions: ReadonlyMap<string, Pin>) => {
      // One at a time for a project; a failed turn is its own caller's.
      const turn = (turns.get(project) ?? Promise.resolve()).then(() => add(project, additions));
      const quiet = turn.then(
        () => undefined,
        () => undefined,
      );
      turns.set(project, quiet);
      void quiet.then(() => {
        if (turns.get(project) === quiet) turns.delete(project);
      });
      return turn;
    }),
  };
}
