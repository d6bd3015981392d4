import { type Caller, internalCaller } from '../../async/caller.ts';
import type { Expected } from '../../bytes/expected.ts';
import { lend } from '../../bytes/proof.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Heard } from '../../ports/newest.ts';
import type { Generation } from '../../tuf/stages.ts';
import type { FileAnswer } from '../files/file-answer.ts';
import type { JudgeFile } from '../files/judge.ts';
import type { AskedTarget, RefreshRequest, SignedDocument, SignedRepository } from '../package-index.ts';
import { candidateOf } from './candidate.ts';
import type { SignedParts } from './index.ts';
import type { Keeper } from './keeper.ts';
import { type ListedRole, listedRoles, type RolesWanted } from './listed-roles.ts';
import { Metadata } from './metadata.ts';
import type { Roles } from './roles.ts';
import { proveStoredRoles, type StoredRoles } from './stored-roles.ts';
import { TargetFiles } from './targets.ts';

/** Between two refreshes because of what another replica believes. Milliseconds. */
const ASKS_APART_MS = 10_000;

/** What TUF clients downstream ask for, and what the operator refreshes. */
export class Repository implements SignedRepository {
  readonly #parts: SignedParts;
  readonly #keeper: Keeper;
  readonly #metadata: Metadata;
  readonly #targets: TargetFiles;
  readonly #roles: Roles;
  readonly hasPages: boolean;
  /** Who refreshes where nobody else is named. */
  readonly #job: Caller;
  #asksAfter = 0;

  constructor(parts: SignedParts, keeper: Keeper, roles: Roles, judge: JudgeFile) {
    this.#parts = parts;
    this.#keeper = keeper;
    this.#job = internalCaller(parts.index, 'refresh');
    this.#metadata = new Metadata({ ...parts, keeper, roles });
    this.#targets = new TargetFiles({ ...parts, keeper, roles, judge });
    this.#roles = roles;
    this.hasPages = parts.layout.pageTarget('any') !== undefined;
  }

  async metadata(name: string, caller: Caller): Promise<SignedDocument> {
    return this.#metadata.find(name, caller);
  }

  target(asked: AskedTarget, caller: Caller): Promise<FileAnswer> {
    return this.#targets.find(asked, caller);
  }

  async *listed(caller: Caller, wanted: RolesWanted): AsyncGenerator<ListedRole, void, undefined> {
    const { store } = this.#parts;
    const generation = await this.#keeper.generation(caller);
    yield* listedRoles({ generation, roles: this.#roles, store, caller }, wanted);
  }

  isTargetHeld(expected: Expected): Promise<boolean> {
    return this.#parts.blobs.isHeld(expected);
  }

  openTarget(path: string, caller: Caller): Promise<Blob> {
    return this.#targets.open(path, caller);
  }

  async refresh({ caller = this.#job, from, asOf, beforePublish }: RefreshRequest = {}): Promise<void> {
    if (from === undefined && beforePublish === undefined) {
      await this.#keeper.refresh(caller);
      return;
    }
    const source = from?.metadata ?? this.#parts.source;
    const look = async (next: Generation) =>
      beforePublish?.(candidateOf(this.#parts, this.#keeper, next, { from, asOf }));
    await this.#keeper.refreshFrom(source(caller), look, asOf);
  }

  get timestamp(): Uint8Array | undefined {
    const timestamp = this.#keeper.current?.timestamp;
    return timestamp && lend(timestamp.bytes);
  }

  /** Where it does not hold under what is trusted here, upstream may have newer keys: it is asked once in a while, and then decides. */
  async hear(timestamp: Uint8Array): Promise<Heard> {
    const heard = await this.#keeper.hear(timestamp);
    const now = performance.now();
    if (heard !== 'unproved' || now < this.#asksAfter) return heard === 'unproved' ? 'unusable' : heard;
    this.#asksAfter = now + ASKS_APART_MS;
    await this.#keeper.refresh(this.#job).catch(() => undefined);
    return this.#keeper.hear(timestamp);
  }

  adopt(): Promise<void> {
    return this.#keeper.adopt();
  }

  confirmed(): void {
    this.#keeper.confirmed();
  }

  async proveStoredRoles(): Promise<StoredRoles> {
    const { store, runner } = this.#parts;
    const { current } = this.#keeper;
    return current === undefined ? { proved: 0, unproved: 0, wrong: [] } : proveStoredRoles(current, store, runner);
  }
}
