import type { Caller } from '../../async/caller.ts';
import { secondsSince } from '../../async/elapsed.ts';
import type { Expected } from '../../bytes/expected.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { TargetLayout } from '../../presets/target-layout.ts';
import { decodeOnce } from '../../pypi/links.ts';
import { projectCandidates } from '../../pypi/names.ts';
import type { Fetch } from '../files/fetch.ts';
import { type FileAnswer, makeFileAnswer } from '../files/file-answer.ts';
import type { JudgeFile } from '../files/judge.ts';
import { LIMITS } from '../limits.ts';
import type { AskedTarget } from '../package-index.ts';
import type { Reports } from '../projects/reports.ts';
import type { Keeper } from './keeper.ts';
import type { Roles } from './roles.ts';

interface TargetsOptions {
  readonly keeper: Pick<Keeper, 'underCurrent'>;
  readonly layout: TargetLayout;
  readonly roles: Roles;
  readonly blobs: Pick<Blobs, 'stored'>;
  readonly fetch: Fetch;
  readonly reports: Reports;
  readonly judge: JudgeFile;
}

const HASH_PREFIX = /^([0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})\.(.+)$/;

/** Targets under every name that a client downstream derives; each proved by the role that lists it. */
export class TargetFiles {
  readonly #options: TargetsOptions;

  constructor(options: TargetsOptions) {
    this.#options = options;
  }

  /** By the path in its URL. Throws Refusal; `unlisted` where no role lists it. */
  async find(asked: AskedTarget, caller: Caller): Promise<FileAnswer> {
    for (const path of spellings(asked))
      for (const reading of readings(path)) {
        const listed = await this.#find(reading, caller);
        if (listed === undefined) continue;
        await this.#options.judge(nameIn(reading), caller);
        return this.#answer(reading, listed.target, caller);
      }
    throw unlisted(asked.path);
  }

  /** For jobs: by its own path, and not counted as served. Throws Refusal. */
  async open(target: string, caller: Caller): Promise<Blob> {
    const reading = { target, hash: undefined };
    await this.#options.judge(nameIn(reading), caller);
    return this.#options.keeper.underCurrent(() => this.#open(reading, caller), caller);
  }

  async #find({ target: path, hash }: Reading, caller: Caller): Promise<Listed | undefined> {
    const { keeper, roles } = this.#options;
    const { target, generation } = await keeper.underCurrent((current) => roles.find(current, path, caller), caller);
    if (target === undefined || (hash !== undefined && !lists(target, hash))) return undefined;
    return { target, consistent: generation.root.signed.consistentSnapshot };
  }

  async #answer(reading: Reading, target: Expected, caller: Caller): Promise<FileAnswer> {
    const { keeper, blobs, reports } = this.#options;
    const asked = performance.now();
    const stored = await blobs.stored(target);
    let isCounted = false;
    return makeFileAnswer({
      filename: nameIn(reading),
      project: projectCandidates(nameIn(reading))[0],
      size: target.length,
      sha256: target.digests.get('sha256'),
      stored,
      open: async () => {
        const blob = await keeper.underCurrent(() => this.#open(reading, caller), caller);
        if (!isCounted) reports.served('target', stored ? 'disk' : 'upstream', secondsSince(asked));
        isCounted = true;
        return blob;
      },
    });
  }

  async #open(reading: Reading, caller: Caller): Promise<Blob> {
    const { layout, fetch } = this.#options;
    const listed = await this.#find(reading, caller);
    if (listed === undefined) throw unlisted(reading.target);
    const { target, consistent } = listed;
    const urls = layout.urls(reading.target, target.digests, consistent);
    const wanted = { name: reading.target, subject: 'target', expected: target, limit: LIMITS.file, urls } as const;
    const blob = await fetch.file(wanted, caller);
    // It may have been put in quarantine while it was fetched.
    await this.#options.judge(nameIn(reading), caller, blob);
    return blob;
  }
}

interface Listed {
  readonly target: Expected;
  readonly consistent: boolean;
}

function nameIn({ target }: Reading): string {
  return target.slice(target.lastIndexOf('/') + 1);
}

function lists({ digests }: Expected, hash: string): boolean {
  return [...digests.values()].includes(hash);
}

interface Reading {
  readonly target: string;
  readonly hash: string | undefined;
}

/** Escapes of what no URL carries as it is: these every client writes. */
const NEEDED = /(?:%(?:2[02]|3[CE]|5[CE]|60|7[BCD]|[89A-F][0-9A-F]))+/gi;

/**
 * The names that a client may mean: the path decoded; and, because TUF clients escape no percent sign, the path as it was sent, with
 * and without the escapes that they had to write.
 */
function spellings({ path, asSent }: AskedTarget): ReadonlySet<string> {
  return new Set([path, asSent.replaceAll(NEEDED, (escapes) => decodeOnce(escapes) ?? escapes), asSent]);
}

/** `dir/HASH.name` (TUF §6.2), tough's `HASH.dir/name`, and the plain name. */
function readings(path: string): readonly Reading[] {
  const cut = path.lastIndexOf('/') + 1;
  const folder = path.slice(0, cut);
  const inName = HASH_PREFIX.exec(path.slice(cut));
  const inPath = HASH_PREFIX.exec(path);
  const found: Reading[] = [];
  if (inName !== null) found.push({ target: folder + (inName[2] ?? ''), hash: inName[1] });
  if (inPath !== null && cut > 0) found.push({ target: inPath[2] ?? '', hash: inPath[1] });
  found.push({ target: path, hash: undefined });
  return found;
}

function unlisted(path: string): Refusal {
  return new Refusal('unlisted', `The signed metadata lists no target ${path.slice(0, 200)}.`, { subject: 'target' });
}
