import { join } from 'node:path';
import { sha256Hex } from '../../bytes/digest.ts';
import type { FileOps } from '../file-ops.ts';
import { isMissing } from '../storage-errors.ts';
import { namesIn, walkTwo } from '../walk.ts';
import { type FormerCensus, lastEpoch, readCensus } from './former-census.ts';
import { DOCUMENT_BYTES, readPage, readState, readSuspect } from './former-files.ts';
import { FormerSeal } from './former-seal.ts';

// What an index remembered under layout 1, read and judged for the last time. Nothing here writes.

/**
 * `holds`: whole, and sealed as it has to be. `older`: so, but the sealed record knows a newer one. `whole`: by its own digest
 * alone. `lost`: damaged or missing.
 */
export type Verdict = 'holds' | 'older' | 'whole' | 'lost';

export type FormerContent =
  | { readonly kind: 'facts' | 'floor' | 'pointer'; readonly state: unknown }
  | { readonly kind: 'pins'; readonly state: unknown }
  | { readonly kind: 'page'; readonly header: unknown; readonly body: Uint8Array };

/** A piece of state that somebody's word or seal makes believable. */
export interface FormerItem {
  /** Its place below the index's directory. */
  readonly path: string;
  readonly verdict: Verdict;
  /** Why it does not hold. */
  readonly why: string;
  /** Undefined where it is lost. */
  readonly content: FormerContent | undefined;
}

/** A delegated role, by the hash of its name; it proves itself. */
export interface FormerRole {
  readonly hash: string;
  readonly version: number;
  readonly bytes: Uint8Array;
  /** When it was kept. Seconds. */
  readonly keptAt: number;
}

export interface FormerIndexOptions {
  readonly ops: FileOps;
  /** The index's directory. */
  readonly directory: string;
  readonly index: string;
  readonly sealKey: Uint8Array | undefined;
  /** The lowest number the sealed record may have. */
  readonly lowest: number;
}

/** The folders of layout 1 in an index's directory. */
export const FORMER_FOLDERS = ['index', 'tuf', 'pins', 'pages', 'census'] as const;

const PLAIN_NAME = /^[a-z0-9][a-z0-9-]{0,99}$/;
const ROOT_NAME = /^([1-9][0-9]{0,14})\.json$/;

export class FormerIndex {
  readonly #options: FormerIndexOptions;
  readonly #seal: FormerSeal | undefined;

  constructor(options: FormerIndexOptions) {
    this.#options = options;
    this.#seal = options.sealKey && new FormerSeal(options.sealKey);
  }

  /** Beyond every number that the sealed record ever had. */
  epoch(): Promise<number> {
    return lastEpoch(this.#options.ops, this.#options.directory);
  }

  /** Every piece, then what the sealed record knows and is not there. */
  async *items(): AsyncIterable<FormerItem> {
    const { ops, directory, index, lowest } = this.#options;
    const census = this.#seal && (await readCensus(ops, directory, index, this.#seal, lowest));
    const seen = new Set<string>();
    let any = false;
    for await (const item of this.#found(census)) {
      any = true;
      seen.add(item.path);
      yield item;
    }
    if (census?.wrong !== undefined && (any || lowest > 0)) yield lost('census', census.wrong);
    for (const path of census?.items.keys() ?? []) if (!seen.has(path)) yield lost(path, 'is missing');
  }

  /** Roots by version; they prove themselves. */
  async *roots(): AsyncIterable<{ readonly version: number; readonly bytes: Uint8Array }> {
    for (const name of await this.#names('tuf/roots')) {
      const version = Number(ROOT_NAME.exec(name)?.[1] ?? 0);
      const bytes = await this.#read(`tuf/roots/${name}`);
      if (version > 0 && bytes !== undefined) yield { version, bytes };
    }
  }

  /** A document that the pointer names, by its digest; undefined where it is missing or other bytes. */
  async document(sha256: string): Promise<Uint8Array | undefined> {
    const bytes = await this.#read(`tuf/documents/${sha256}.json`);
    return bytes !== undefined && sha256Hex(bytes) === sha256 ? bytes : undefined;
  }

  /** Delegated roles, each with its versions in the order they were kept. */
  async *roles(): AsyncIterable<readonly FormerRole[]> {
    const { ops, directory } = this.#options;
    for (const hash of await this.#names('tuf/delegated')) {
      const versions: FormerRole[] = [];
      for (const name of await this.#names(`tuf/delegated/${hash}`)) {
        const path = `tuf/delegated/${hash}/${name}`;
        const version = Number(ROOT_NAME.exec(name)?.[1] ?? 0);
        const [bytes, facts] = [await this.#read(path), await ops.facts(join(directory, path))];
        if (version > 0 && bytes !== undefined && facts !== undefined)
          versions.push({ hash, version, bytes, keptAt: Math.floor(facts.changedMs / 1000) });
      }
      if (versions.length > 0) yield versions.sort((a, b) => a.keptAt - b.keptAt || a.version - b.version);
    }
  }

  async *#found(census: FormerCensus | undefined): AsyncIterable<FormerItem> {
    const { ops, directory } = this.#options;
    const single = { facts: 'index', pointer: 'tuf/current', floor: 'tuf/floor' } as const;
    for (const kind of ['facts', 'pointer', 'floor'] as const) {
      const item = await this.#state(single[kind], kind, census);
      if (item !== undefined) yield item;
    }
    for await (const path of walkTwo(ops, join(directory, 'pins'))) {
      const item = await this.#state(`pins/${path}`, 'pins', census);
      if (item !== undefined) yield item;
    }
    for await (const path of walkTwo(ops, join(directory, 'pages'))) yield this.#page(`pages/${path}`, census);
  }

  async #state(
    path: string,
    kind: Exclude<FormerContent['kind'], 'page'>,
    census: FormerCensus | undefined,
  ): Promise<FormerItem | undefined> {
    const { ops, directory } = this.#options;
    const found = await readState(ops, join(directory, path)).catch(damaged);
    if (found === 'none') return undefined;
    if (found === undefined) return lost(path, 'is damaged');
    const { number, parts, seal, state } = found;
    if (kind === 'pins' && !isAt(path, projectOf(state))) return lost(path, 'belongs to another project');
    return this.#judged(path, { kind, state }, { number, parts, seal }, census);
  }

  async #page(path: string, census: FormerCensus | undefined): Promise<FormerItem> {
    const { ops, directory } = this.#options;
    const found = await readPage(ops, join(directory, path)).catch(damaged);
    if (found === undefined) return lost(path, 'is damaged');
    const { number, header, project, body, parts, seal } = found;
    if (!isAt(path, project)) return lost(path, 'belongs to another project');
    return this.#judged(path, { kind: 'page', header, body }, { number, parts, seal }, census);
  }

  #judged(
    path: string,
    content: FormerContent,
    { number, parts, seal }: { readonly number: number; readonly parts: readonly Uint8Array[]; readonly seal: unknown },
    census: FormerCensus | undefined,
  ): FormerItem {
    const judged = (verdict: Verdict, why: string): FormerItem => ({ path, verdict, why, content });
    if (this.#seal === undefined)
      return seal === undefined
        ? judged('holds', '')
        : judged('whole', 'carries a seal, and no seal key is configured');
    if (seal === undefined) return judged('whole', 'carries no seal, although a seal key is configured');
    if (!this.#seal.holds([this.#options.index, path, number], parts, seal))
      return judged('whole', 'carries a seal that does not fit');
    if (number < (census?.items.get(path) ?? 0)) return judged('older', 'is older than it was');
    return judged('holds', '');
  }

  #names(path: string): Promise<readonly string[]> {
    return namesIn(this.#options.ops, join(this.#options.directory, path));
  }

  #read(path: string): Promise<Buffer | undefined> {
    return readSuspect(this.#options.ops, join(this.#options.directory, path), DOCUMENT_BYTES);
  }
}

/** True where an index's directory holds anything of layout 1. */
export async function holdsFormerState(ops: FileOps, directory: string): Promise<boolean> {
  for (const folder of FORMER_FOLDERS) if ((await ops.facts(join(directory, folder))) !== undefined) return true;
  return false;
}

function lost(path: string, why: string): FormerItem {
  return { path, verdict: 'lost', why, content: undefined };
}

/** A folder that is none, or cannot be listed. */
function damaged(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return undefined;
  throw error;
}

function projectOf(state: unknown): unknown {
  return typeof state === 'object' && state !== null && 'project' in state ? state.project : undefined;
}

/** A project's place: itself where its name is plain, else its hash. */
function isAt(path: string, project: unknown): boolean {
  if (typeof project !== 'string') return false;
  const hash = sha256Hex(Buffer.from(project));
  return path.endsWith(`/${hash.slice(0, 2)}/${PLAIN_NAME.test(project) ? project : `=${hash}`}`);
}
