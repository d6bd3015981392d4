import { type Caller, internalCaller } from '../../async/caller.ts';
import type { Statement } from '../../bytes/digest.ts';
import type { Expected } from '../../bytes/expected.ts';
import { lend, type ReadonlyBytes } from '../../bytes/proof.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { TargetLayout } from '../../presets/target-layout.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import type { Visit } from '../../tuf/delegation.ts';
import type { Runner } from '../../tuf/sliced.ts';
import type { Generation } from '../../tuf/stages.ts';
import { type Believed, makeBelieved, type Observation, type Source } from '../believed.ts';
import type { CarriedStatus } from '../carried/status.ts';
import type { Evidence, EvidenceFacts, EvidenceStatus, KnownDigests, Stands, Vouched } from '../evidence.ts';
import type { Fetch, Wanted } from '../files/fetch.ts';
import { LIMITS } from '../limits.ts';
import type { FlooredClock } from './clock-floor.ts';
import type { Keeper } from './keeper.ts';
import type { Overdue } from './overdue.ts';
import { carryOver, extendedBy, isSameDocument, isUnexpired, type Proof, proofOf } from './proof.ts';
import type { Roles, Search } from './roles.ts';
import { chainOf, forgeableOnline, roleStatus } from './vouchers.ts';

export type Generations = Pick<
  Keeper,
  'warm' | 'isSpent' | 'current' | 'refresh' | 'underCurrent' | 'following' | 'lastRefresh' | 'lastError'
> &
  Partial<Pick<Keeper, 'overdue'>>;

export interface TufEvidenceOptions {
  readonly index: string;
  readonly upstreamUrl: string;
  readonly layout: TargetLayout;
  readonly generations: Generations;
  readonly roles: Roles;
  readonly fetch: Fetch;
  readonly clock: FlooredClock;
  readonly runner: Runner;
  /** Of an index that arrives by import: what was imported last. */
  readonly carried?: (() => CarriedStatus | undefined) | undefined;
}

const FINAL: Observation = { fetch: undefined, final: true, repeated: false };

/** A page is believed because a chain of signatures, from the pinned root on, lists its digest; until one of them expires. */
export class TufEvidence implements Evidence<Proof> {
  readonly kind = 'tuf';
  readonly isAskedByName = false;
  readonly #options: TufEvidenceOptions;

  constructor(options: TufEvidenceOptions) {
    this.#options = options;
  }

  async ask(
    name: string,
    before: Believed<Proof> | undefined,
    caller: Caller,
    doubted = false,
  ): Promise<Believed<Proof>> {
    const { generations } = this.#options;
    const target = this.#targetOf(name);
    if (!doubted || before === undefined)
      return generations.underCurrent(
        (generation) => this.#under(generation, { name, target, before, caller }),
        caller,
      );
    const next = await generations.following(before.proof.generation, caller);
    return next === undefined ? before : this.#under(next, { name, target, before, caller });
  }

  standing(believed: Believed<Proof>): Stands<Proof> {
    const { generations, clock } = this.#options;
    const { proof } = believed;
    const now = clock.judged();
    if (proof.expires <= now || clock.isPast(now) || generations.isSpent) return { standing: 'expired', believed };
    const generation = generations.warm(now);
    if (generation === proof.generation) return { standing: 'fresh', believed };
    const carried = generation && carryOver(proof, generation);
    if (carried !== undefined) return { standing: 'fresh', believed: resting(believed, carried) };
    // A gap here would send installers to another index.
    return { standing: isUnexpired(proof, now) ? 'stale-if-error' : 'expired', believed };
  }

  get overdue(): Overdue | undefined {
    return this.#options.generations.overdue;
  }

  life(): undefined {
    return undefined;
  }

  /** Past its date a signature says nothing, of files neither. */
  outlives(): boolean {
    return false;
  }

  async digests(believed: Believed<Proof>, filenames: readonly string[], caller: Caller): Promise<KnownDigests<Proof>> {
    const { layout, roles } = this.#options;
    const { name: project, proof } = believed;
    const known = new Map<string, Statement>();
    const visits = new Map<Visit['role'], Visit>();
    for (const filename of filenames) {
      const target = layout.fileTarget({ project, filename });
      if (target === undefined) continue;
      // Under the page's own generation: two snapshots cannot mix.
      const found = await roles.find(proof.generation, target, caller);
      for (const visit of found.visited) visits.set(visit.role, visit);
      if (visits.size > LIMITS.rolesPerPage)
        throw new Refusal(
          'limit',
          `The page of ${project} needs more than ${LIMITS.rolesPerPage} metadata files to prove its files.`,
          { subject: 'page' },
        );
      if (found.target !== undefined && found.target.digests.size > 0) known.set(filename, found.target);
    }
    if (visits.size === 0) return { known, believed };
    return { known, believed: resting(believed, extendedBy(proof, [...visits.values()])) };
  }

  /** A file's own target entry, where the layout can name it and the signed metadata has one. */
  async voucher(
    { name, proof }: Believed<Proof>,
    file: OwnFile,
    filename: string,
    caller: Caller,
  ): Promise<Vouched | undefined> {
    const { layout } = this.#options;
    const path = layout.fileTarget({ project: name, filename, content: file.content });
    if (path === undefined) return undefined;
    const { target, generation } = await this.#find(proof.generation, path, caller);
    return target && { stated: target, urls: this.#urls(path, target, generation) };
  }

  async explain({ name, proof }: Believed<Proof>, caller: Caller): Promise<EvidenceFacts> {
    const target = this.#targetOf(name);
    const search = await this.#find(proof.generation, target, caller);
    const carried = this.#options.carried?.();
    return { target, chain: chainOf(search), forgeableOnline: forgeableOnline(search), carried };
  }

  async status(): Promise<EvidenceStatus> {
    const { index, upstreamUrl, layout, generations, runner } = this.#options;
    // What is believed here and now; upstream is asked only where that is nothing yet.
    const generation =
      generations.current ?? (await generations.refresh(internalCaller(index, 'status')).catch(() => undefined));
    return {
      upstream: upstreamUrl,
      layout: layout.name,
      lastRefresh: generations.lastRefresh,
      lastError: generations.lastError,
      roles: generation === undefined ? [] : await roleStatus(generation, runner),
      carried: this.#options.carried?.(),
    };
  }

  #targetOf(name: string): string {
    const { layout } = this.#options;
    const target = name === '' ? layout.listTarget : layout.pageTarget(name);
    if (target !== undefined) return target;
    throw name === ''
      ? new Refusal('unlisted', 'The signed metadata of this index has no list of all projects.', { subject: 'list' })
      : new Refusal('unlisted', 'This index has no project pages.', { subject: 'page' });
  }

  /** The files of a page that stands in for a newer one are judged as it was. */
  #find(generation: Generation, path: string, caller: Caller): Promise<Search> {
    const { generations, roles } = this.#options;
    if (generation !== generations.current) return roles.find(generation, path, caller);
    return generations.underCurrent((current) => roles.find(current, path, caller), caller);
  }

  async #under(generation: Generation, asked: Asked): Promise<Believed<Proof>> {
    const { name, target, before, caller } = asked;
    const search = await this.#options.roles.find(generation, target, caller);
    const expected = search.target;
    const proof = proofOf(generation, search.visited, expected);
    if (expected === undefined)
      return makeBelieved('tuf', { name, source: undefined, observation: FINAL, from: 'disk', proof });
    const known = before?.proof.expected;
    if (before?.source !== undefined && known !== undefined && isSameDocument(known, expected))
      return makeBelieved('tuf', { name, source: before.source, observation: FINAL, from: 'disk', proof });
    const wanted = this.#wanted(asked, expected, generation);
    const { proved, from } = await this.#options.fetch.document(wanted, caller);
    const url = name === '' ? '' : this.#options.layout.pageUrl(name);
    const source = this.#source(wanted, url, proved.sha256, proved.bytes);
    return makeBelieved('tuf', { name, source, observation: FINAL, from, proof });
  }

  #wanted({ name, target }: Asked, expected: Expected, generation: Generation): Wanted {
    const urls = this.#urls(target, expected, generation);
    return name === ''
      ? { name: 'the project list', subject: 'list', expected, limit: LIMITS.list, urls }
      : { name, subject: 'page', expected, limit: LIMITS.page, urls };
  }

  #urls(target: string, { digests }: Expected, { root }: Generation): readonly string[] {
    return this.#options.layout.urls(target, digests, root.signed.consistentSnapshot);
  }

  /** The bytes just proved are handed out once and not kept: they are on disk, and whoever draws again is rare. */
  #source(wanted: Wanted, url: string, sha256: string, proved: ReadonlyBytes): Source {
    let fresh: ReadonlyBytes | undefined = proved;
    const read = async (caller: Caller): Promise<Uint8Array> => {
      const bytes = fresh;
      fresh = undefined;
      return lend(bytes ?? (await this.#options.fetch.document(wanted, caller)).proved.bytes);
    };
    return { sha256, url, serial: undefined, weight: 0, read };
  }
}

interface Asked {
  readonly name: string;
  readonly target: string;
  readonly before: Believed<Proof> | undefined;
  readonly caller: Caller;
}

function resting({ name, source, observation, from }: Believed<Proof>, proof: Proof): Believed<Proof> {
  return makeBelieved('tuf', { name, source, observation, from, proof });
}
