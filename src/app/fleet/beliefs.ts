import { within } from '../../async/timeout.ts';
import { makeAuthenticator } from '../../bytes/authentic.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import type { Config, IndexConfig } from '../../config/config.ts';
import { AskedCache } from '../../mirror/asked-cache.ts';
import { CommonDocuments } from '../../mirror/common-documents.ts';
import { GuardedCache } from '../../mirror/guarded-cache.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import { type ByteCache, nameOfKey } from '../../ports/byte-cache.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CommonPages } from '../../ports/common-pages.ts';
import type { Emit } from '../../ports/events.ts';
import type { RedisConnection } from '../../redis/connection.ts';
import { Newest, type NewestOptions } from '../../redis/newest.ts';
import { News } from '../../redis/news.ts';
import { LIMITS } from '../../tuf/limits.ts';
import { readRoot } from '../pinned-root.ts';
import { HeardPages } from './heard-pages.ts';
import { SealedList } from './sealed-list.ts';
import { SealedPages } from './sealed-pages.ts';

interface BeliefsOptions {
  readonly connection: RedisConnection;
  readonly cache: ByteCache;
  readonly prefix: string;
  readonly config: Config;
  readonly sealKey: Uint8Array | undefined;
  readonly emit: Emit;
}

type Followed = Pick<PackageIndex, 'name' | 'signed' | 'hear'>;

/** A start waits so long for what other replicas believe. Milliseconds. */
const LOOK_AT_START_MS = 1000;

/** What the indexes of replicas believe, as far as they share it by Redis. */
export class Beliefs {
  readonly #options: BeliefsOptions;
  readonly #heard = new Map<string, HeardPages>();
  readonly #pages = new Map<string, SealedPages>();
  #newest: Newest | undefined;
  #news: News | undefined;

  constructor(options: BeliefsOptions) {
    this.#options = options;
  }

  /** Documents of an index that are proved by themselves. `pinnedRoot`: its digest. */
  documents(index: string, pinnedRoot?: string): CommonDocuments {
    const { cache, emit } = this.#options;
    return new CommonDocuments(new AskedCache({ index, cache, emit }), pinnedRoot);
  }

  /** Pages of an index that signs nothing. Undefined without a seal key, and where replicas share all their state in another place. */
  pages(index: string, upstream: string, clock: Pick<Clock, 'now'>): CommonPages | undefined {
    const { cache, emit, sealKey, config } = this.#options;
    if (sealKey === undefined || config.fleet?.state !== undefined) return undefined;
    const guarded = (use: string) =>
      new GuardedCache({ index, cache, emit, authenticator: makeAuthenticator(sealKey, use) });
    const pages = new SealedPages({
      cache: guarded('a page as upstream sent it'),
      list: new SealedList({ cache: guarded('the list as upstream sent it'), upstream, clock }),
      upstream,
      projectBytes: config.cache.projectBytes,
      // Before others are followed all hear what they ask for.
      tell: async (project, said) => (await this.#news?.tell(index, project, said)) ?? true,
    });
    this.#pages.set(index, pages);
    return pages;
  }

  /** This replica believes that timestamp of a signed index from now on. Returns at once. */
  believed(index: string, timestamp: Uint8Array): void {
    this.#newest?.offer(index, timestamp);
  }

  /** From now on other replicas hear what these believe, and what others believe is looked into: at once, and before this resolves. */
  async follow(indexes: readonly Followed[]): Promise<void> {
    await Promise.all([this.#followSigned(indexes), this.#followUnsigned(indexes)]);
  }

  async close(): Promise<void> {
    for (const heard of this.#heard.values()) heard.close();
    await this.#newest?.close();
    await this.#news?.close();
  }

  async #followSigned(indexes: readonly Followed[]): Promise<void> {
    const { connection, prefix, emit, config } = this.#options;
    const signed = new Map(
      indexes.flatMap(({ name, signed: repository }) => (repository === undefined ? [] : [[name, repository]])),
    );
    if (signed.size === 0) return;
    const subjects = subjectsOf(config, 'tuf');
    const hear: NewestOptions['hear'] = async (index, timestamp) =>
      (await signed.get(index)?.hear(timestamp)) ?? 'unusable';
    const newest = new Newest({ connection, prefix, subjects, mostBytes: LIMITS.timestamp, emit, hear });
    this.#newest = newest;
    for (const [index, { timestamp }] of signed) {
      if (timestamp !== undefined) newest.offer(index, timestamp);
      await within(LOOK_AT_START_MS, newest.look(index), undefined);
    }
  }

  async #followUnsigned(indexes: readonly Followed[]): Promise<void> {
    const { connection, prefix, emit, config, sealKey } = this.#options;
    const unsigned = indexes.filter(({ name }) => config.indexes[name]?.evidence === 'index');
    if (unsigned.length === 0 || sealKey === undefined || config.fleet?.state !== undefined) return;
    for (const index of unsigned) this.#heard.set(index.name, new HeardPages(index, emit));
    const news = new News({
      connection,
      prefix,
      authenticator: makeAuthenticator(sealKey, 'what is new of a project'),
      subjects: subjectsOf(config, 'index'),
      heard: (index, project) => this.#heard.get(index)?.add(project),
      // What they were not told while Redis was away is looked at as if they had said something of it: the newer of both is told.
      looked: (index) => {
        for (const project of this.#pages.get(index)?.retell() ?? []) this.#heard.get(index)?.add(project);
      },
    });
    this.#news = news;
    for (const { name } of unsigned) await within(LOOK_AT_START_MS, news.look(name), undefined);
  }
}

/** By index of one kind: what names it, and what its replicas have in common. */
function subjectsOf({ indexes }: Config, kind: IndexConfig['evidence']): ReadonlyMap<string, string> {
  const ofKind = Object.values(indexes).filter(({ evidence }) => evidence === kind);
  return new Map(
    ofKind.map((index) => {
      const common = index.evidence === 'tuf' ? sha256Hex(readRoot(index.root)) : index.upstream;
      return [index.name, nameOfKey([kind, index.name, common])];
    }),
  );
}
