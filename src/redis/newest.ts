import type { Emit } from '../ports/events.ts';
import type { Heard } from '../ports/newest.ts';
import type { RedisConnection } from './connection.ts';
import { KEPT_S, REFUSED_FOR_MS } from './limits.ts';
import { Looks } from './looks.ts';

/** In the place of nothing, or of what was read there. */
const REPLACE = `
local there = redis.call('GET', KEYS[1])
if there and there ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1`;

export interface NewestOptions {
  readonly connection: RedisConnection;
  readonly prefix: string;
  /** Names what all replicas of an index have in common, by index. */
  readonly subjects: ReadonlyMap<string, string>;
  /** Bytes of a document. */
  readonly mostBytes: number;
  readonly emit: Emit;
  /** Judges what another replica believes. */
  hear(index: string, document: Uint8Array): Promise<Heard>;
  readonly everyMs?: number | undefined;
}

/** What is known of one index. */
interface Known {
  own?: Uint8Array | undefined;
  /** What lay there when it was last looked at. */
  there?: Buffer | undefined;
  /** It was judged, and is not judged again before this time. */
  settledUntil: number;
}

/**
 * The newest signed document of each index that any replica believes lies in Redis, as it was signed: whoever reads it proves it, so that
 * nobody's word makes it newer. What does not prove, or is older than what is believed here, gives way to that.
 */
export class Newest {
  readonly #options: NewestOptions;
  readonly #known = new Map<string, Known>();
  readonly #looks: Looks;

  constructor(options: NewestOptions) {
    this.#options = options;
    const { connection, prefix, subjects, everyMs } = options;
    for (const index of subjects.keys()) this.#known.set(index, { settledUntil: 0 });
    const look = (index: string) => this.#look(index);
    this.#looks = new Looks({ connection, channel: `${prefix}:moved`, subjects, look, everyMs });
  }

  /** This replica believes it from now on. Returns at once. */
  offer(index: string, document: Uint8Array): void {
    const known = this.#known.get(index);
    if (known === undefined) return;
    known.own = document;
    known.settledUntil = 0;
    void this.#put(index, known);
  }

  /** Resolves when what lies there has been looked at. */
  look(index: string): Promise<void> {
    return this.#looks.now(index);
  }

  close(): Promise<void> {
    return this.#looks.close();
  }

  /** In the place of what was seen last; where there is another by now, that is looked at. */
  async #put(index: string, known: Known): Promise<void> {
    const { own, there } = known;
    if (own === undefined) return;
    const [seen, document] = [there ?? Buffer.alloc(0), Buffer.from(own)];
    const asked = await this.#options.connection.ask('EVAL', REPLACE, 1, this.#keyOf(index), seen, document, KEPT_S);
    if (asked.outcome !== 'answered') return;
    if (asked.reply !== 1) return this.#looks.soon(index);
    if (known.own === own) known.there = document;
    this.#looks.tell(index);
  }

  async #look(index: string): Promise<void> {
    const { connection, mostBytes, hear, emit } = this.#options;
    const known = this.#known.get(index);
    if (known === undefined) return;
    const asked = await connection.ask('GETRANGE', this.#keyOf(index), 0, mostBytes);
    if (asked.outcome === 'refused') return this.#overwrite(index, known);
    if (asked.outcome !== 'answered' || !Buffer.isBuffer(asked.reply)) return;
    const there = asked.reply;
    if (there.byteLength > mostBytes) return this.#overwrite(index, known);
    const isSame = known.there?.equals(there) === true;
    known.there = there.byteLength === 0 ? undefined : there;
    if (there.byteLength === 0) return this.#put(index, known);
    if (known.own !== undefined && there.equals(known.own)) return;
    if (isSame && performance.now() < known.settledUntil) return;
    const heard = await hear(index, new Uint8Array(there));
    emit({ name: 'heard', index, what: 'timestamp', result: heard });
    // What is to give way is looked at until it has: a server may have taken no writes.
    if ((heard === 'older' || heard === 'unproved') && known.own !== undefined) return this.#put(index, known);
    known.settledUntil = performance.now() + REFUSED_FOR_MS;
  }

  /** What is no document at all. */
  async #overwrite(index: string, { own }: Known): Promise<void> {
    if (own !== undefined)
      await this.#options.connection.ask('SET', this.#keyOf(index), Buffer.from(own), 'EX', KEPT_S);
  }

  #keyOf(index: string): string {
    return `${this.#options.prefix}:newest:${this.#options.subjects.get(index)}`;
  }
}
