import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Instant } from '../bytes/instant.ts';
import { Refusal } from '../bytes/refusal.ts';
import { codeOf } from '../disk/file-ops.ts';
import { readSmall } from '../disk/read-file.ts';
import { isDamage, isMissing, onStateDisk } from '../disk/storage-errors.ts';
import type { Volume } from '../disk/volume.ts';
import { namesIn, walkTwo } from '../disk/walk.ts';
import type { TrustStore } from '../ports/index-state.ts';
import { type ItemPath, TRUST_ITEMS } from './census.ts';
import { openEnvelope } from './envelope.ts';
import { indexDirectory } from './index-directory.ts';
import { createIndexState, type IndexState } from './index-facts.ts';
import { PAGE_FILE_BYTES, STATE_FILE_BYTES } from './limits.ts';
import { createNumbered, numbersIn } from './numbered.ts';
import { decodePageFile, encodePageFile } from './page-file.ts';
import type { Guard } from './seal.ts';
import { createTrustStore } from './trust.ts';

/** What became of an index's state; paths below its directory. */
export interface StateLoss {
  /** Believed as it was. */
  readonly kept: number;
  /** Believed on the operator's word, and written again under the present seal. */
  readonly adopted: number;
  /** Not believed, kept as evidence. */
  readonly setAside: readonly ItemPath[];
  /** Where to, in the data directory; undefined where nothing was. */
  readonly setAsideTo: string | undefined;
}

export interface StateLossOptions {
  readonly index: string;
  readonly evidence: IndexState['evidence'];
  /** True to believe whatever is whole, whoever sealed it or did not: for a seal key that is new, changed or gone. */
  readonly adopt: boolean;
  readonly reason: string;
  readonly now: Instant;
}

/** A piece of state that is whole: its number, whether its seal is what it has to be, and how to write it under the present one. */
interface Found {
  readonly number: number;
  readonly holds: boolean;
  /** Says the number it has then. */
  rewrite(): Promise<number>;
}

/**
 * An operator's word that what is missing from an index's state is missing: what holds is kept, the rest set aside, the
 * sealed record begun again from what is there, and the word kept in the audit trail.
 */
export const acceptStateLoss = onStateDisk(
  async (volume: Volume, { index, evidence, adopt, reason, now }: StateLossOptions): Promise<StateLoss> => {
    const directory = indexDirectory(volume, index);
    const lost = join(directory, 'lost', `${now}-${randomBytes(4).toString('hex')}`);
    const census = volume.census(index);
    const items = new Map<ItemPath, number>();
    const setAside: ItemPath[] = [];
    let kept = 0;
    let adopted = 0;

    const moveAside = async (item: ItemPath) => {
      try {
        await volume.durable.moveAway(join(directory, item), join(lost, item));
        setAside.push(item);
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    };

    const guardOf = (item: ItemPath): Guard | undefined => {
      const guard = census?.guard(item);
      // The record is begun again at the end; on the way nothing is noted in the old one.
      return guard && { ...guard, moved: async () => undefined };
    };
    const settle = async (item: ItemPath, found: Found | undefined) => {
      if (found === undefined || (!found.holds && !adopt)) return moveAside(item);
      if (found.holds) kept++;
      else adopted++;
      items.set(item, found.holds ? found.number : await found.rewrite());
    };

    for await (const item of numberedItems(volume, directory))
      await settle(item, await findNumbered(volume, directory, item, guardOf(item)));
    for await (const path of walkTwo(volume.ops, join(directory, 'pages'))) {
      const item = `pages/${path}`;
      await settle(item, await findPage(volume, join(directory, item), guardOf(item)));
    }
    const after = Math.max(await lastEpoch(volume, directory), (await volume.epochs?.of(index)) ?? 0);
    await moveAside('census');
    await census?.begin(items, after);
    if (await isBroken(createTrustStore(volume, index))) {
      await moveAside('tuf');
      await Promise.all(TRUST_ITEMS.map((item) => census?.forget(item)));
    }
    const state = createIndexState(volume, index);
    const entry = { at: now, action: adopt ? 'accept-state-loss --adopt' : 'accept-state-loss', reason };
    if ((await state.load()) === undefined) await state.save({ evidence, createdAt: now, audit: [entry] });
    else await state.appendAudit(entry);
    const told = setAside.filter((item) => item !== 'census');
    return { kept, adopted, setAside: told, setAsideTo: setAside.length === 0 ? undefined : lost };
  },
);

/** The pointer may be whole and what it points to not. */
async function isBroken(trust: TrustStore): Promise<boolean> {
  try {
    await trust.load();
    return false;
  } catch (error) {
    if (error instanceof Refusal && error.reason === 'state' && !error.transient) return true;
    throw error;
  }
}

/** Directories that hold a state of any number. */
async function* numberedItems(volume: Volume, directory: string): AsyncIterable<ItemPath> {
  const holds = async (item: ItemPath) => numbersIn(await namesIn(volume.ops, join(directory, item))).length > 0;
  for (const item of ['index', ...TRUST_ITEMS]) if (await holds(item)) yield item;
  for await (const path of walkTwo(volume.ops, join(directory, 'pins')))
    if (await holds(`pins/${path}`)) yield `pins/${path}`;
}

async function findNumbered(
  volume: Volume,
  directory: string,
  item: ItemPath,
  guard: Guard | undefined,
): Promise<Found | undefined> {
  const at = join(directory, item);
  const number = Math.max(0, ...numbersIn(await namesIn(volume.ops, at)));
  const bytes = await readSmall(volume.ops, join(at, `${number}.json`), STATE_FILE_BYTES).catch(damaged);
  const opened = bytes && openEnvelope(bytes);
  if (opened === undefined) return undefined;
  return {
    number,
    holds: sealFits(guard, number, [opened.bytes], opened.seal),
    async rewrite() {
      await createNumbered(volume.durable, at, item, guard).follow(number, opened.state);
      return number + 1;
    },
  };
}

async function findPage(volume: Volume, path: string, guard: Guard | undefined): Promise<Found | undefined> {
  const bytes = await readSmall(volume.ops, path, PAGE_FILE_BYTES).catch(damaged);
  const file = bytes && decodePageFile(bytes);
  if (file === undefined) return undefined;
  const { number } = file.header;
  return {
    number,
    holds: sealFits(guard, number, file.parts, file.seal),
    async rewrite() {
      await volume.durable.replace(
        path,
        encodePageFile(file.header, file.body, (parts) => guard?.seal(number, parts)),
      );
      return number;
    },
  };
}

function sealFits(guard: Guard | undefined, number: number, parts: readonly Uint8Array[], seal: unknown): boolean {
  return guard === undefined ? seal === undefined : guard.holds(number, parts, seal);
}

/** What cannot be read for good is set aside; a disk that is busy or full judges nothing. */
function damaged(error: unknown): undefined {
  if (codeOf(error) !== undefined && !isDamage(error)) throw error;
  return undefined;
}

/** The highest number that any file of the old record has, believed or not: the next one is beyond it. */
async function lastEpoch(volume: Volume, directory: string): Promise<number> {
  const census = join(directory, 'census');
  let last = 0;
  for (const sheet of await namesIn(volume.ops, census))
    last = Math.max(last, ...numbersIn(await namesIn(volume.ops, join(census, sheet)).catch(() => [])));
  return last;
}
