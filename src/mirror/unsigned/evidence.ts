import type { Caller } from '../../async/caller.ts';
import { claimedDigest } from '../../bytes/content-path.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import { type PageRecord, type PageStore, Superseded, type UnsavedPage } from '../../ports/index-state.ts';
import type { ListHead, ListStore } from '../../ports/list-store.ts';
import type { Heard as HeardResult } from '../../ports/newest.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import { type Believed, makeBelieved, type Observation, type Source } from '../believed.ts';
import type {
  Evidence,
  EvidenceFacts,
  EvidenceStatus,
  KnownDigests,
  Life,
  Standing,
  Stands,
  Vouched,
} from '../evidence.ts';
import type { Reports } from '../projects/reports.ts';
import type { Adoption } from './adoption.ts';
import { freshFor, type Lifetimes, standingOf, standingOfList } from './freshness.ts';
import type { Hearing } from './hearing.ts';
import { type HeardList, Lists } from './lists.ts';
import type { PagePlaces } from './places.ts';
import type { PageRefresh } from './refresh.ts';

/** What a belief in an unsigned document rests on: that upstream said so, and when. */
export type Heard =
  | { readonly kind: 'page'; readonly record: PageRecord }
  | { readonly kind: 'list'; readonly head: ListHead }
  | { readonly kind: 'absent'; readonly confirmedAt: Instant };

export interface UnsignedEvidenceOptions extends Lifetimes {
  readonly upstreamUrl: string;
  readonly places: PagePlaces;
  readonly store: PageStore;
  readonly lists: ListStore;
  readonly refresh: PageRefresh;
  readonly clock: Clock;
  readonly hearing: Hearing;
  readonly reports: Reports;
  /** True where a path `aa/bb/rest` is the file's BLAKE2b-256, as on PyPI: then it must hold too. */
  readonly contentAddressed: boolean;
  /** False where the list of all projects is not to be fetched. */
  readonly projectList: boolean;
  /** Pages confirmed up to this moment are another upstream's word: not served before this one's was heard. */
  readonly notBefore?: Instant | undefined;
  /** True where upstream is never asked: what is held is all there is, however old. */
  readonly offline: boolean;
  /** Whether state on disk carries a seal. */
  readonly sealed: boolean;
  /** Of pages that other replicas believe; undefined where this one is alone. */
  readonly adoption?: Adoption | undefined;
}

const LIST = '';
const HEARD_MOST = 100_000;
/** Changes of others (an operator's command, another process) that one refresh gives way to. */
const SUPERSEDED_MOST = 3;
const UNSEEN: Observation = { fetch: undefined, final: false, repeated: false };
const NOBODY: EvidenceFacts = { target: '', chain: [], forgeableOnline: [] };

/** A page is believed because upstream says so over TLS; what takes away or contradicts, because a second look agreed. */
export class UnsignedEvidence implements Evidence<Heard> {
  readonly kind = 'index';
  readonly isAskedByName = true;
  readonly #options: UnsignedEvidenceOptions;
  /** Projects of which this process has heard this upstream's own word. */
  readonly #heard = new Set<string>();
  readonly #lists: Lists;

  constructor(options: UnsignedEvidenceOptions) {
    this.#options = options;
    this.#lists = new Lists(options);
  }

  async recall(name: string): Promise<Believed<Heard> | undefined> {
    if (name === LIST) return this.#recallList();
    const { store, adoption } = this.#options;
    const held = await store.load(name);
    if (held === undefined) {
      const taken = await adoption?.first(name);
      return taken && this.#believedPage(taken.record, undefined, 'disk', taken);
    }
    const newer = await adoption?.newer(held);
    return this.#believedPage(newer?.record ?? held, undefined, 'disk');
  }

  async hear(name: string): Promise<HeardResult> {
    const { store, adoption } = this.#options;
    const held = await store.load(name);
    // What is not held is looked for when it is asked for.
    if (held === undefined || adoption === undefined) return 'newer';
    return (await adoption.newer(held)).heard;
  }

  ask(name: string, before: Believed<Heard> | undefined, caller: Caller, doubted = false): Promise<Believed<Heard>> {
    return name === LIST ? this.#askList(before, caller) : this.#askPage(name, before, caller, doubted);
  }

  standing(believed: Believed<Heard>): Stands<Heard> {
    return { standing: this.#standing(believed.proof), believed };
  }

  life({ proof }: Believed<Heard>): Life | undefined {
    if (proof.kind === 'absent') return undefined;
    const { clock, maxAge } = this.#options;
    const heard = proof.kind === 'page' ? proof.record : proof.head;
    const age = clock.now() - heard.confirmedAt;
    const fresh = proof.kind === 'page' ? freshFor(proof.record, this.#options) : maxAge;
    // A clock that went back makes nothing fresh.
    return age < 0 ? { age: 0, left: 0 } : { age, left: Math.max(0, fresh - age) };
  }

  outlives({ proof }: Believed<Heard>): boolean {
    return proof.kind === 'page' && !this.#isAnothers(proof.record.project, proof.record);
  }

  /** Nobody else states any. */
  async digests(believed: Believed<Heard>): Promise<KnownDigests<Heard>> {
    return { known: new Map(), believed };
  }

  async voucher(_: Believed<Heard>, { content, entry }: OwnFile, filename: string): Promise<Vouched | undefined> {
    if (!this.#options.contentAddressed || content === undefined || filename !== entry.filename) return undefined;
    return { stated: { digests: new Map([['blake2b-256', claimedDigest(content)]]) }, urls: [] };
  }

  async explain(): Promise<EvidenceFacts> {
    return NOBODY;
  }

  async status(): Promise<EvidenceStatus> {
    const { upstreamUrl: upstream, sealed, hearing } = this.#options;
    const { lastRefresh, lastError } = hearing;
    return { upstream, layout: 'simple', lastRefresh, lastError, roles: [], sealed };
  }

  #standing(heard: Heard): Standing {
    const { clock, offline } = this.#options;
    const now = clock.now();
    switch (heard.kind) {
      case 'page':
        if (this.#isAnothers(heard.record.project, heard.record)) return 'expired';
        return offline ? 'fresh' : standingOf(heard.record, this.#options, now);
      case 'list':
        if (this.#isAnothers(LIST, heard.head)) return 'expired';
        return offline ? 'fresh' : standingOfList(heard.head.confirmedAt, this.#options, now);
      case 'absent':
        // How long absence is remembered is not for evidence to say.
        return now >= heard.confirmedAt ? 'fresh' : 'expired';
    }
  }

  async #askPage(project: string, before: Believed<Heard> | undefined, caller: Caller, doubted: boolean) {
    const { reports, hearing } = this.#options;
    const started = performance.now();
    const done = (result: 'changed' | 'unchanged' | 'failed') =>
      reports.refreshed({ result, seconds: (performance.now() - started) / 1000 });
    try {
      const refreshed = await this.#refreshed(project, before, caller, doubted);
      if (refreshed === 'absent') hearing.absent();
      else hearing.heard();
      if (this.#options.notBefore !== undefined && this.#heard.size < HEARD_MOST) this.#heard.add(project);
      const believed =
        refreshed === 'absent'
          ? this.#absent(project)
          : this.#believedPage(refreshed.record, before, 'upstream', refreshed);
      done(believed.source?.sha256 === before?.source?.sha256 ? 'unchanged' : 'changed');
      return believed;
    } catch (error) {
      if (await this.#isGone(project, error)) return this.#absent(project);
      if (!caller.signal.aborted) done('failed');
      hearing.failed(error);
      throw error;
    }
  }

  /** What upstream said last, where it is never asked: that there is no such project any more. */
  async #isGone(project: string, error: unknown): Promise<boolean> {
    if (!(error instanceof Refusal) || error.reason !== 'offline') return false;
    return (await this.#options.store.gone(project)) !== undefined;
  }

  /** Begins again from what is stored where somebody else changed that meanwhile. */
  async #refreshed(project: string, before: Believed<Heard> | undefined, caller: Caller, doubted: boolean) {
    for (let superseded = 0; superseded <= SUPERSEDED_MOST; superseded++) {
      const last = await this.#last(project, before);
      const refreshed = await this.#options.refresh.refresh(project, last && this.#beginning(last, doubted), caller);
      if (refreshed !== 'superseded') return refreshed === 'absent' ? refreshed : { ...refreshed, last };
    }
    throw new Superseded(project);
  }

  async #recallList(): Promise<Believed<Heard> | undefined> {
    const heard = await this.#lists.recall();
    return heard && believedList(heard, 'disk');
  }

  async #askList(before: Believed<Heard> | undefined, caller: Caller): Promise<Believed<Heard>> {
    const heard = await this.#lists.ask(before && this.#sameUpstreams(before), caller);
    if (this.#options.notBefore !== undefined) this.#heard.add(LIST);
    return believedList(heard, 'upstream');
  }

  /** Another upstream's list and its tag mean nothing to this one. */
  #sameUpstreams({ proof, source }: Believed<Heard>): HeardList | undefined {
    if (proof.kind !== 'list' || source === undefined || this.#isAnothers(LIST, proof.head)) return undefined;
    return { head: proof.head, source };
  }

  /** What the next page is compared with: as it is stored, which an operator's command or another process may have changed. */
  async #last(project: string, before: Believed<Heard> | undefined): Promise<PageRecord | undefined> {
    const { store } = this.#options;
    if (before?.proof.kind === 'page' && (await store.isCurrent(before.proof.record))) return before.proof.record;
    return store.load(project);
  }

  /** Another upstream's tag means nothing to this one; without one, a page that came only once is fetched whole and anew. */
  #beginning(record: PageRecord, doubted: boolean): PageRecord {
    return doubted || this.#isAnothers(record.project, record) ? { ...record, etag: undefined } : record;
  }

  /** A clock that was ahead when the upstream was changed makes nobody ask for a page again and again. */
  #isAnothers(project: string, { confirmedAt }: Pick<PageRecord, 'confirmedAt'>): boolean {
    const { notBefore } = this.#options;
    return notBefore !== undefined && confirmedAt <= notBefore && !this.#heard.has(project);
  }

  #absent(name: string): Believed<Heard> {
    const proof: Heard = { kind: 'absent', confirmedAt: this.#options.clock.now() };
    return makeBelieved('index', { name, source: undefined, observation: UNSEEN, from: 'upstream', proof });
  }

  #believedPage(
    record: PageRecord,
    before: Believed<Heard> | undefined,
    from: 'disk' | 'upstream',
    { unsaved, last }: { readonly unsaved?: UnsavedPage | undefined; readonly last?: PageRecord | undefined } = {},
  ): Believed<Heard> {
    const { project, bytes, seenSerial: serial, fetch, twice } = record;
    const isSame = before?.proof.kind === 'page' && before.proof.record.bytes === bytes;
    const source: Source = {
      sha256: isSame && before.source !== undefined ? before.source.sha256 : sha256Hex(bytes),
      url: record.url ?? this.#options.places.urlOf(project),
      serial,
      weight: bytes.byteLength,
      read: async () => bytes,
    };
    const observation: Observation = { fetch, final: false, repeated: twice, before: last?.confirmedAt };
    return makeBelieved('index', {
      name: project,
      source,
      observation,
      from,
      proof: { kind: 'page', record },
      unsaved,
    });
  }
}

function believedList({ head, source }: HeardList, from: 'disk' | 'upstream'): Believed<Heard> {
  return makeBelieved('index', { name: LIST, source, observation: UNSEEN, from, proof: { kind: 'list', head } });
}
