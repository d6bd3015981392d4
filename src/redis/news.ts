import type { Authenticator } from '../bytes/authentic.ts';
import { BoundedMap } from '../bytes/bounded-map.ts';
import type { RedisConnection } from './connection.ts';
import { KEPT_S, NEWS_BYTES, NEWS_KEPT, NEWS_READ, NEWS_ROUNDS } from './limits.ts';
import { Looks } from './looks.ts';

/** The oldest go where there are many. */
const TELL = `
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'm', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1`;

/** An entry comes as it was written where it is one of ours by its form, and else with its number alone: who may write there could fill the memory of all who read. */
const READ = `
local found = {}
for _, entry in ipairs(redis.call(ARGV[1], KEYS[1], ARGV[2], ARGV[3], 'COUNT', ARGV[4])) do
  local fields = entry[2]
  local isOurs = #fields == 2 and fields[1] == 'm' and #fields[2] <= tonumber(ARGV[5])
  table.insert(found, isOurs and entry or { entry[1] })
end
return found`;

interface NewsOptions {
  readonly connection: RedisConnection;
  readonly prefix: string;
  readonly authenticator: Authenticator;
  /** Names what all replicas of an index have in common, by index. */
  readonly subjects: ReadonlyMap<string, string>;
  /** Another replica says something new of it. */
  heard(index: string, thing: string): void;
  /** Redis answered a look. */
  looked(index: string): void;
  readonly everyMs?: number | undefined;
}

/** Which entry was read last, and what was said in those before. */
interface Known {
  last: string | undefined;
  readonly said: BoundedMap<true>;
}

const BEGINNING = '0-0';

/**
 * What replicas tell each other of an index, in a stream of entries under our seal: whoever hears of a thing looks for itself. What is
 * said again, or by others, makes nobody look.
 */
export class News {
  readonly #options: NewsOptions;
  readonly #known = new Map<string, Known>();
  readonly #looks: Looks;

  constructor(options: NewsOptions) {
    this.#options = options;
    const { connection, prefix, subjects, everyMs } = options;
    for (const index of subjects.keys())
      this.#known.set(index, { last: undefined, said: new BoundedMap({ entries: NEWS_KEPT }) });
    const look = (index: string) => this.#look(index);
    this.#looks = new Looks({ connection, channel: `${prefix}:moved`, subjects, look, everyMs });
  }

  /** `said`: what is new of it. Resolves with false where others may not hear of it. Never rejects. */
  async tell(index: string, thing: string, said: string): Promise<boolean> {
    const { authenticator, connection, subjects } = this.#options;
    const subject = subjects.get(index);
    if (subject === undefined) return true;
    const message = Buffer.from(authenticator.seal(subject, Buffer.from(`${thing}\n${said}`)));
    this.#known.get(index)?.said.set(message.toString('latin1'), true);
    const told = await connection.ask('EVAL', TELL, 1, this.#keyOf(index), message, NEWS_KEPT, KEPT_S);
    if (told.outcome !== 'answered') return false;
    this.#looks.tell(index);
    return true;
  }

  /** Resolves when all that was told before has been heard. The first look only finds out what comes after. */
  look(index: string): Promise<void> {
    return this.#looks.now(index);
  }

  close(): Promise<void> {
    return this.#looks.close();
  }

  async #look(index: string): Promise<void> {
    const known = this.#known.get(index);
    if (known === undefined) return;
    const answered = entriesOf(await this.#ask(index, 'XREVRANGE', '+', '-', 1));
    const newest = idOf(answered?.[0]);
    if (newest === undefined && !this.#options.connection.isUp) return;
    if (answered !== undefined) this.#options.looked(index);
    known.last ??= newest ?? BEGINNING;
    // Emptied, or another server with another clock: it begins anew.
    if (newest === undefined || isBefore(newest, known.last)) known.last = BEGINNING;
    for (let rounds = 0; newest !== undefined && rounds < NEWS_ROUNDS && known.last !== newest; rounds++) {
      const entries = entriesOf(await this.#ask(index, 'XRANGE', `(${known.last}`, '+', NEWS_READ));
      if (entries === undefined || entries.length === 0) return;
      for (const entry of entries) this.#read(index, entry, known);
      known.last = idOf(entries.at(-1)) ?? known.last;
    }
  }

  async #ask(index: string, command: 'XRANGE' | 'XREVRANGE', from: string, to: string, count: number) {
    const range = [command, from, to, count, NEWS_BYTES];
    const asked = await this.#options.connection.ask('EVAL', READ, 1, this.#keyOf(index), ...range);
    return asked.outcome === 'answered' ? asked.reply : undefined;
  }

  #read(index: string, entry: unknown, { said }: Known): void {
    const message = messageOf(entry);
    const subject = this.#options.subjects.get(index);
    if (message === undefined || subject === undefined) return;
    const text = message.toString('latin1');
    if (said.has(text)) return;
    const authentic = this.#options.authenticator.open(subject, new Uint8Array(message));
    if (authentic === undefined) return;
    said.set(text, true);
    const [thing = ''] = Buffer.from(Uint8Array.from(authentic.bytes)).toString().split('\n');
    this.#options.heard(index, thing);
  }

  #keyOf(index: string): string {
    return `${this.#options.prefix}:news:${this.#options.subjects.get(index)}`;
  }
}

// A server may answer anything: what is no entry is passed over.

function entriesOf(reply: unknown): readonly unknown[] | undefined {
  return Array.isArray(reply) ? reply : undefined;
}

function idOf(entry: unknown): string | undefined {
  const id: unknown = Array.isArray(entry) ? entry[0] : undefined;
  const text = Buffer.isBuffer(id) ? id.toString('latin1') : '';
  return /^\d{1,20}-\d{1,20}$/.test(text) ? text : undefined;
}

function messageOf(entry: unknown): Buffer | undefined {
  const fields: unknown = Array.isArray(entry) ? entry[1] : undefined;
  const message: unknown = Array.isArray(fields) ? fields[1] : undefined;
  return Buffer.isBuffer(message) ? message : undefined;
}

function isBefore(a: string, b: string): boolean {
  const [first = '', second = ''] = a.split('-');
  const [third = '', fourth = ''] = b.split('-');
  return first === third ? BigInt(second) < BigInt(fourth) : BigInt(first) < BigInt(third);
}
