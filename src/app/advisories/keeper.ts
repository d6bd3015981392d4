import { join } from 'node:path';
import type { Advisories, Totals } from '../../advisories/advisories.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import { instantText } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { AdvisoriesConfig } from '../../config/advisories/schema.ts';
import type { Volume } from '../../disk/volume.ts';
import type { FactSource } from '../../mirror/policy/fact-source.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Emit } from '../../ports/events.ts';
import type { AdvisoryWork } from '../../workers/advisory-work.ts';
import { KeptArchive } from './kept-archive.ts';
import type { Source } from './source.ts';

/** How often others look at what one process keeps: what is known to be bad is refused by all within a second. Milliseconds. */
const FOLLOW_EVERY = 500;
/** A feed that has less than this share of the records before is taken for one that was cut. */
const LEAST_SHARE = 1 / 2;

export interface KeeperOptions {
  readonly config: AdvisoriesConfig;
  readonly volume: Pick<Volume, 'root' | 'ops' | 'durable'>;
  readonly source: Source;
  readonly work: AdvisoryWork;
  readonly clock: Pick<Clock, 'now'>;
  readonly emit: Emit;
  /** It looks at the source, and keeps what comes; the others follow. */
  readonly leads: boolean;
}

/** What is told of the feed in force. */
export interface FeedStanding {
  readonly place: string;
  readonly totals: Totals | undefined;
  /** Why the last look brought none. */
  readonly trouble: string | undefined;
}

/** A feed with its archive, out of which single records are read. */
export interface FeedInForce {
  readonly advisories: Advisories;
  /** Undefined where it could not be kept. */
  readonly archive: KeptArchive | undefined;
}

/** One that may come into force. */
interface Candidate {
  readonly advisories: Advisories;
  readonly sha256: string;
}

/** Has the feed in force. */
export class FeedKeeper implements FactSource<'knownBad'> {
  readonly name = 'knownBad';
  readonly #options: KeeperOptions;
  readonly #path: string;
  #current: Advisories | undefined;
  #archive: KeptArchive | undefined;
  /** Of the feed before, out of which an answer may still be read. */
  #former: KeptArchive | undefined;
  /** Of the one in force; undefined where the same one is to be taken, and kept, anew. */
  #sha256: string | undefined;
  /** Of what is kept, when it was read last. */
  #changedMs: number | undefined;
  #trouble: string | undefined;
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#path = join(options.volume.root, 'advisories', 'feed.zip');
  }

  get standing(): FeedStanding {
    return { place: this.#options.source.place, totals: this.#current?.totals, trouble: this.#trouble };
  }

  get inForce(): FeedInForce | undefined {
    return this.#current && { advisories: this.#current, archive: this.#archive };
  }

  version(project: string): string {
    return this.#current?.mark(project) ?? '';
  }

  of(project: string) {
    return this.#current?.of(project);
  }

  /** What is kept, or lies on this machine, is in force when this resolves; from then on it looks again and again. */
  async open(): Promise<void> {
    const { source, leads, config } = this.#options;
    await this.look(leads && source.local);
    const every = leads && !('carried' in config.from) ? config.refresh * 1000 : FOLLOW_EVERY;
    this.#timer = setInterval(() => void this.look(), every).unref();
    if (leads && !source.local) void this.look();
  }

  /** One look at a time, at what is kept and, `further`, at the source. Never rejects: what is wrong is told, and the last good one stays in force. */
  look(further = this.#options.leads): Promise<void> {
    const before = this.#looking;
    this.#looking = (async () => {
      await before;
      try {
        await this.#readKept();
        if (further) await this.#readSource();
        this.#trouble = undefined;
      } catch (error) {
        this.#failed(error);
      }
    })();
    return this.#looking;
  }

  /**
   * Keeps one that was brought here, after what is kept by now: whoever serves follows. False where it is that one. Throws Refusal where it may not take
   * its place. One process at a time.
   */
  take(archive: Uint8Array): Promise<boolean> {
    const taking = this.look(false).then(() => this.#keep(archive));
    this.#looking = taking.then(
      () => undefined,
      () => undefined,
    );
    return taking;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#options.source.close();
    await this.#looking;
    for (const archive of [this.#former, this.#archive]) await archive?.close();
    this.#former = undefined;
    this.#archive = undefined;
  }

  async #readKept(): Promise<void> {
    const { ops } = this.#options.volume;
    const facts = await ops.facts(this.#path);
    if (facts === undefined || facts.changedMs === this.#changedMs) return;
    const archive = await this.#openKept();
    try {
      const bytes = await archive?.whole();
      this.#changedMs = facts.changedMs;
      const next = bytes && (await this.#judge(bytes));
      if (next === undefined) await archive?.close();
      else await this.#swap(next, archive);
    } catch (error) {
      await archive?.close();
      throw error;
    }
  }

  async #readSource(): Promise<void> {
    const bytes = await this.#options.source.look(this.#sha256 === undefined);
    if (bytes !== undefined) await this.#keep(bytes);
  }

  /** False where it is the one in force. Throws Refusal where it may not take its place. */
  async #keep(bytes: Uint8Array): Promise<boolean> {
    const { volume } = this.#options;
    const next = await this.#judge(bytes);
    if (next === undefined) return false;
    try {
      await volume.durable.replace(this.#path, bytes);
      this.#changedMs = (await volume.ops.facts(this.#path))?.changedMs;
    } catch (error) {
      // What is known to be bad is in force, though it cannot be kept.
      await this.#swap(next, undefined);
      this.#sha256 = undefined;
      throw error;
    }
    await this.#swap(next, await this.#openKept());
    return true;
  }

  #openKept(): Promise<KeptArchive | undefined> {
    return KeptArchive.open(this.#options.volume.ops, this.#path, (cause) => this.#damaged(cause));
  }

  /** A record of the one in force cannot be read any more. Told once a look. */
  #damaged(cause: unknown): void {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `An advisory cannot be read from ${this.#path} (${why})`;
    if (this.#trouble !== undefined) return;
    this.#trouble = message;
    this.#sha256 = undefined;
    const about = { index: '', subject: 'file', thing: this.#path } as const;
    this.#options.emit({ name: 'rejected', ...about, reason: 'digest', message, at: 'disk' });
  }

  /** Undefined where it is the one in force. Throws Refusal where it may not take its place. */
  async #judge(archive: Uint8Array): Promise<Candidate | undefined> {
    const sha256 = sha256Hex(archive);
    if (sha256 === this.#sha256) return undefined;
    const { work, clock } = this.#options;
    const advisories = await work.read(archive, clock.now());
    if (this.#current !== undefined) holdTo(this.#current.totals, advisories.totals, this.#path);
    return { advisories, sha256 };
  }

  async #swap({ advisories, sha256 }: Candidate, archive: KeptArchive | undefined): Promise<void> {
    const { emit, source, leads } = this.#options;
    const before = this.#former;
    this.#former = this.#archive;
    this.#archive = archive;
    this.#current = advisories;
    this.#sha256 = sha256;
    const { records, malware, unreadable, named } = advisories.totals;
    const lost = named.map(({ name, why }) => `${name}: ${why}`).join(' ');
    const message = `${records} advisories about Python packages are in force, ${malware} of them about malware${unreadable > 0 ? `; ${unreadable} cannot be read: ${lost}` : ''}`;
    // A command tells whoever ran it what he asked for.
    if (leads) emit({ name: 'noted', index: '', message, detail: { place: source.place } });
    await before?.close();
  }

  #failed(error: unknown): void {
    const { emit, source } = this.#options;
    const refusal = error instanceof Refusal ? error : undefined;
    const message = error instanceof Error ? error.message : String(error);
    if (message === this.#trouble) return;
    this.#trouble = message;
    if (refusal === undefined) emit({ name: 'faulted', at: 'store', error });
    else
      emit({
        name: 'rejected',
        index: '',
        reason: refusal.reason,
        subject: 'file',
        thing: source.place,
        message,
        at: source.local ? 'disk' : 'upstream',
      });
  }
}

function holdTo(before: Totals, next: Totals, path: string): void {
  const remedy = `If it is right all the same, remove ${path} and start again.`;
  if (next.records < before.records * LEAST_SHARE)
    throw new Refusal(
      'regressed',
      `The feed of advisories has ${next.records} records where it had ${before.records}: the one before stays in force. ${remedy}`,
      { subject: 'file' },
    );
  if (before.newest !== undefined && (next.newest ?? 0) < before.newest)
    throw new Refusal(
      'regressed',
      `The newest change in the feed of advisories is of ${instantText(next.newest ?? 0)}, and it was of ${instantText(before.newest)}: the one before stays in force. ${remedy}`,
      { subject: 'file' },
    );
}
