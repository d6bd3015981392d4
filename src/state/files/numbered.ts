import { join } from 'node:path';
import { Refusal } from '../../bytes/refusal.ts';
import type { Durable } from '../../disk/durable.ts';
import { readSmall } from '../../disk/read-file.ts';
import { isMissing } from '../../disk/storage-errors.ts';
import { envelopeId, openEnvelope, wrapEnvelope } from './envelope.ts';
import { STATE_FILE_BYTES } from './limits.ts';
import { ACCEPT_STATE_LOSS, checkSeal, type Guard, lostState } from './seal.ts';

// State that must only go forward, also between processes: every change is a new file with the next number, made
// by a hard link that fails where the number is taken. No lock, so nothing is left to clean up after a crash.

/** One state as it was read: `number` and `id` name it for the next `follow`. */
export interface Read {
  readonly number: number;
  readonly id: string;
  readonly state: unknown;
}

export interface Numbered {
  /** The highest number, checked against its own digest and seal; Refusal `state` where it cannot be believed, never a lower one. */
  read(): Promise<Read | undefined>;
  /** Only its number, to know whether what is in memory is still current. 0 for none. */
  number(): Promise<number>;
  /** Makes `state` current after `number` (0 for the first) and says its id; undefined where another was first. Throws `limit` where it could never be read again. */
  follow(number: number, state: unknown): Promise<string | undefined>;
}

const NAME = /^([1-9][0-9]{0,14})\.json$/;
/** A reader whose file was replaced between listing and reading looks again; each time somebody else made progress. */
const READ_AGAIN = 100;

/** The numbers among the names in a directory of states. */
export function numbersIn(names: readonly string[]): number[] {
  return names.flatMap((name) => {
    const match = NAME.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
}

/** `what` completes the sentence for people: "… of index main". `guard` seals each state and knows the lowest number to believe. */
export function createNumbered(durable: Durable, directory: string, what: string, guard?: Guard | undefined): Numbered {
  const { ops } = durable;

  const numbers = async (): Promise<number[]> => {
    try {
      return numbersIn(await ops.list(directory));
    } catch (error) {
      if (isMissing(error)) return [];
      throw unreadable(directory, what, error);
    }
  };
  const number = async () => Math.max(0, ...(await numbers()));

  const decode = (path: string, mine: number, file: Buffer): Read => {
    const opened = openEnvelope(file);
    if (opened === undefined) throw unreadable(path, what);
    checkSeal(guard, { path, what, number: mine }, [opened.bytes], opened.seal);
    return { number: mine, id: opened.id, state: opened.state };
  };

  const newest = async (): Promise<Read | undefined> => {
    for (let again = 0; ; again++) {
      const highest = await number();
      if (highest === 0) return undefined;
      const path = join(directory, `${highest}.json`);
      const bytes = await readSmall(ops, path, STATE_FILE_BYTES).catch((error: unknown) => {
        throw unreadable(path, what, error);
      });
      if (bytes !== undefined) return decode(path, highest, bytes);
      if (again === READ_AGAIN) throw unreadable(path, what);
    }
  };

  return {
    number,
    async read() {
      // Asked before the directory is looked at: what is there may be ahead of it, never behind.
      const least = await guard?.atLeast();
      const found = await newest();
      if (guard === undefined || least === undefined || (found?.number ?? 0) >= least) return found;
      if ((found?.number ?? 0) < (await guard.atLeast('again'))) throw lostState(directory, what);
      return newest();
    },
    async follow(after, state) {
      const bytes = Buffer.from(JSON.stringify(state));
      const mine = after + 1;
      const body = wrapEnvelope(bytes, guard?.seal(mine, [bytes]));
      if (body.byteLength > STATE_FILE_BYTES)
        throw new Refusal(
          'limit',
          `There is no more room for ${what}: at most ${STATE_FILE_BYTES} bytes are kept. What is kept already stays as it is.`,
          { subject: 'state' },
        );
      const path = join(directory, `${mine}.json`);
      if (!(await durable.claim(path, body))) return undefined;
      const all = await numbers();
      // The number may have been free only because it was passed and removed meanwhile.
      const passed = all.some((other) => other > mine);
      const superfluous = passed ? [mine] : all.filter((other) => other < mine);
      for (const other of superfluous) await ops.unlink(join(directory, `${other}.json`)).catch(() => undefined);
      if (passed) return undefined;
      await guard?.moved(mine);
      return envelopeId(bytes);
    },
  };
}

/** State on disk that cannot be believed is never taken for absent state: that would lower what was promised. */
export function unreadable(path: string, what: string, cause?: unknown): Refusal {
  return new Refusal(
    'state',
    `${path} is missing or damaged: it holds ${what}. Nothing is served on a guess. Restore it from a backup; what cannot be restored is given up by: ${ACCEPT_STATE_LOSS}`,
    { subject: 'state', cause },
  );
}
