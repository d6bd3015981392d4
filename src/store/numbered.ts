import { join } from 'node:path';
import { sha256Hex } from '../bytes/digest.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Durable } from './durable.ts';
import { STATE_FILE_BYTES } from './limits.ts';
import { readSmall } from './read-file.ts';
import { isMissing } from './storage-errors.ts';

// State that must only go forward, also between processes: every change is a new file with the next number, made
// by a hard link that fails where the number is taken. No lock, so nothing is left to clean up after a crash.

/** One state as it was read: `number` and `id` name it for the next `follow`. */
export interface Read {
  readonly number: number;
  readonly id: string;
  readonly state: unknown;
}

export interface Numbered {
  /** The highest number, checked against its own digest; Refusal `state` where it cannot be believed, never a lower one. */
  read(): Promise<Read | undefined>;
  /** Only its number, to know whether what is in memory is still current. 0 for none. */
  number(): Promise<number>;
  /** Makes `state` current after `number` (0 for the first) and says its id; undefined where another was first. Throws `limit` where it could never be read again. */
  follow(number: number, state: unknown): Promise<string | undefined>;
}

const NAME = /^([1-9][0-9]{0,14})\.json$/;
/** A reader whose file was replaced between listing and reading looks again; each time somebody else made progress. */
const READ_AGAIN = 100;

/** `what` completes the sentence for people: "… of index main". */
export function createNumbered(durable: Durable, directory: string, what: string): Numbered {
  const { ops } = durable;

  const numbers = async (): Promise<number[]> => {
    try {
      return (await ops.list(directory)).flatMap((name) => {
        const match = NAME.exec(name);
        return match === null ? [] : [Number(match[1])];
      });
    } catch (error) {
      if (isMissing(error)) return [];
      throw unreadable(directory, what, error);
    }
  };
  const number = async () => Math.max(0, ...(await numbers()));

  const decode = (path: string, bytes: Buffer): { readonly id: string; readonly state: unknown } => {
    let parsed: unknown;
    try {
      parsed = JSON.parse(bytes.toString('utf8'));
    } catch (error) {
      throw unreadable(path, what, error);
    }
    if (typeof parsed !== 'object' || parsed === null || !('sha256' in parsed) || !('state' in parsed))
      throw unreadable(path, what);
    const id = sha256Hex(Buffer.from(JSON.stringify(parsed.state)));
    if (parsed.sha256 !== id) throw unreadable(path, what);
    return { id, state: parsed.state };
  };

  return {
    number,
    async read() {
      for (let again = 0; ; again++) {
        const highest = await number();
        if (highest === 0) return undefined;
        const path = join(directory, `${highest}.json`);
        const bytes = await readSmall(ops, path, STATE_FILE_BYTES).catch((error: unknown) => {
          throw unreadable(path, what, error);
        });
        if (bytes !== undefined) return { number: highest, ...decode(path, bytes) };
        if (again === READ_AGAIN) throw unreadable(path, what);
      }
    },
    async follow(after, state) {
      const text = JSON.stringify(state);
      const id = sha256Hex(Buffer.from(text));
      const body = Buffer.from(`{"sha256":"${id}","state":${text}}\n`);
      if (body.byteLength > STATE_FILE_BYTES)
        throw new Refusal(
          'limit',
          `There is no more room for ${what}: at most ${STATE_FILE_BYTES} bytes are kept. What is kept already stays as it is.`,
          { subject: 'state' },
        );
      const mine = after + 1;
      const path = join(directory, `${mine}.json`);
      if (!(await durable.claim(path, body))) return undefined;
      const all = await numbers();
      // The number may have been free only because it was passed and removed meanwhile.
      const passed = all.some((other) => other > mine);
      const superfluous = passed ? [mine] : all.filter((other) => other < mine);
      for (const other of superfluous) await ops.unlink(join(directory, `${other}.json`)).catch(() => undefined);
      return passed ? undefined : id;
    },
  };
}

/** State on disk that cannot be believed is never taken for absent state: that would lower what was promised. */
export function unreadable(path: string, what: string, cause?: unknown): Refusal {
  return new Refusal(
    'state',
    `${path} is missing or damaged: it holds ${what}. Nothing is served on a guess. Restore it from a backup, or move it away if you accept that this memory is lost.`,
    { subject: 'state', cause },
  );
}
