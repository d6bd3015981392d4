import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { Mutex } from '../../async/mutex.ts';
import { yieldToEventLoop } from '../../async/yield.ts';
import { type Algorithm, agree, type Digests } from '../../bytes/digest.ts';
import { onStateDisk } from '../../disk/storage-errors.ts';
import type { Volume } from '../../disk/volume.ts';
import { walkTwo } from '../../disk/walk.ts';
import type { Pin, Pins } from '../../ports/index-state.ts';
import { indexDirectory } from './index-directory.ts';
import { PINS_IN_MEMORY } from './limits.ts';
import { createNumbered, type Numbered, unreadable } from './numbered.ts';
import { decodePins, encodePins } from './pin-file.ts';
import { projectPath } from './project-path.ts';
import { type Checked, checked } from './state-check.ts';

/** Pins with what an operator's command needs besides. */
export interface PinStore extends Pins {
  /** Takes pins back, as an operator's audited word. */
  revoke(project: string, files: Iterable<string>): Promise<void>;
  /** Every project that has pins, in no order. */
  projects(): AsyncIterable<string>;
  /** Reads every file of them, to the last byte. */
  check(): AsyncIterable<Checked>;
}

interface Known {
  readonly number: number;
  readonly pins: ReadonlyMap<string, Pin>;
}

/** The pins as they are to be; undefined where nothing changes. */
type Change = (pins: ReadonlyMap<string, Pin>) => ReadonlyMap<string, Pin> | undefined;

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
  return { ...old, digests, coreMetadata };
}

function same(a: Pin, b: Pin): boolean {
  return a.digests.size === b.digests.size && a.coreMetadata?.size === b.coreMetadata?.size;
}

const adding =
  (additions: ReadonlyMap<string, Pin>): Change =>
  (pins) => {
    const news = new Map<string, Pin>();
    for (const [file, pin] of additions) {
      const old = pins.get(file);
      const result = old === undefined ? pin : merge(old, pin);
      if (old === undefined || !same(old, result)) news.set(file, result);
    }
    return news.size === 0 ? undefined : new Map([...pins, ...news]);
  };

/** Files that have no pin stay without one. */
const marking =
  (files: Iterable<string>, done: (pin: Pin) => boolean, mark: (pin: Pin) => Pin): Change =>
  (pins) => {
    const news = new Map<string, Pin>();
    for (const file of files) {
      const pin = pins.get(file);
      if (pin !== undefined && !done(pin)) news.set(file, mark(pin));
    }
    return news.size === 0 ? undefined : new Map([...pins, ...news]);
  };

const replacing =
  (others: ReadonlyMap<string, Pin>): Change =>
  (pins) => {
    const next = new Map(pins);
    for (const [file, pin] of others) {
      const old = pins.get(file);
      // One sight of a file never takes the place of a confirmed pin, whoever was quicker to confirm it.
      if (old === undefined || old.provisional === true || pin.provisional !== true) next.set(file, pin);
    }
    return [...next].every(([file, pin]) => pins.get(file) === pin) ? undefined : next;
  };

const revoking =
  (files: Iterable<string>): Change =>
  (pins) => {
    const next = new Map(pins);
    for (const file of files) next.delete(file);
    return next.size === pins.size ? undefined : next;
  };

/** Digests pinned at first sight, one file a project, going only forward (DESIGN §2 "pins"). */
export function createPins(volume: Volume, index: string, mostInMemory = PINS_IN_MEMORY): PinStore {
  const directory = join(indexDirectory(volume, index), 'pins');
  const memory = new LRUCache<string, Known>({
    maxSize: mostInMemory,
    // More pins than the whole are kept alone.
    sizeCalculation: ({ pins }) => Math.min(Math.max(pins.size, 1), mostInMemory),
  });
  const mutex = new Mutex();
  const census = volume.census(index);
  const what = (project: string) => `the digests first seen for ${project}`;
  const pathOf = (project: string) => join(directory, projectPath(project));
  const fileOf = (project: string): Numbered => numberedAt(projectPath(project), what(project));
  const numberedAt = (path: string, about: string): Numbered =>
    createNumbered(volume.durable, join(directory, path), about, census?.guard(`pins/${path}`));

  const read = async (project: string): Promise<Known> => {
    const file = fileOf(project);
    const known = memory.get(project);
    // Another process may have added to it.
    if (known !== undefined && known.number === (await file.number())) return known;
    const found = await file.read();
    if (found === undefined) {
      // Under a seal the census has said already that none is missing.
      if (known !== undefined && known.number > 0 && census === undefined)
        throw unreadable(pathOf(project), what(project));
      return { number: 0, pins: new Map() };
    }
    const decoded = await decodePins(found.state);
    if (decoded?.project !== project) throw unreadable(pathOf(project), what(project));
    const next = { number: found.number, pins: decoded.pins };
    memory.set(project, next);
    return next;
  };

  const decodedAt = async (path: string): Promise<void> => {
    const what = 'the digests first seen for a project';
    const found = await numberedAt(path, what).read();
    if (found === undefined) return;
    const decoded = await decodePins(found.state);
    if (decoded === undefined || projectPath(decoded.project) !== path) throw unreadable(join(directory, path), what);
  };

  /** One at a time for a project, and on top of whatever another process did. */
  const change = onStateDisk((project: string, make: Change) =>
    mutex.run(project, async () => {
      for (;;) {
        const { number, pins } = await read(project);
        const next = make(pins);
        if (next === undefined) return;
        // Tens of thousands of pins take a while to write down: not all in one turn.
        await yieldToEventLoop();
        const written = encodePins(project, next);
        await yieldToEventLoop();
        if ((await fileOf(project).follow(number, written)) === undefined) continue;
        memory.set(project, { number: number + 1, pins: next });
        return;
      }
    }),
  );

  return {
    of: onStateDisk(async (project: string) => (await read(project)).pins),
    add: (project, additions) => change(project, adding(additions)),
    prove: async (project, file, digests) => {
      // Asked for every file that is sent: what memory knows to be proved needs no look at the disk.
      if (memory.get(project)?.pins.get(file)?.proved === true) return;
      await change(
        project,
        marking(
          [file],
          // A download may end when its pin has long given way to another.
          (pin) => pin.proved === true || !agree(pin.digests, digests),
          (pin) => ({ ...pin, proved: true }),
        ),
      );
    },
    confirm: (project, files) =>
      change(
        project,
        marking(
          [...files],
          ({ provisional }) => provisional !== true,
          ({ provisional: _, ...pin }) => pin,
        ),
      ),
    replace: (project, file, pin) => change(project, replacing(new Map([[file, pin]]))),
    replaceAll: (project, others) => change(project, replacing(others)),
    revoke: (project, files) => change(project, revoking([...files])),
    async *check() {
      for await (const path of walkTwo(volume.ops, directory)) yield await checked(`pins/${path}`, decodedAt(path));
    },
    async *projects() {
      for await (const path of walkTwo(volume.ops, directory)) {
        const found = await numberedAt(path, 'pins').read();
        const decoded = found && (await decodePins(found.state));
        if (decoded !== undefined) yield decoded.project;
      }
    },
  };
}
