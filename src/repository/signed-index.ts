import type { Algorithm } from '../bytes/digest.ts';
import type { Bins } from './bins.ts';
import type { Authority } from './documents.ts';
import { filePath, htmlPage, type IndexFile, jsonPage } from './index-pages.ts';
import type { Style } from './json-writer.ts';
import { type Edits, Repository, type RepositoryOptions } from './repository.ts';

const DAY = 86_400;
const YEAR = 365 * DAY;

/** Which keys hold what (PEP 458 "Number and Type Of Keys Recommended", PEP 480 "Maximum Security Model"). */
export interface IndexKeys {
  /** Kept away from the machine that answers uploads. */
  readonly root: Authority;
  readonly targets: Authority;
  /** Signs the delegation to the bins, and `claimed`. Offline too. */
  readonly bins: Authority;
  /** On the machine: timestamp, snapshot, every bin, `recently-claimed`. */
  readonly online: Authority;
}

export interface SignedIndexOptions {
  readonly keys: IndexKeys;
  readonly now: () => number;
  /** A power of two of bins; 14 is PEP 458's 16,384. */
  readonly binBits: number;
  readonly binKind?: 'prefixes' | 'succinct';
  /** PEP 480's claimed, recently-claimed and unclaimed above the bins; else PEP 458's `bins` alone. */
  readonly claims?: boolean;
  readonly pageFormat?: 'json' | 'html';
  readonly targetHashes?: readonly Algorithm[];
  readonly metaHashes?: readonly Algorithm[];
  readonly targetNames?: 'prefixed' | 'plain' | 'both';
  readonly style?: Style;
  /** Target path of a project page; by default PEP 458's `simple/PROJECT/index.html`. */
  readonly pagePath?: (project: string) => string;
}

const OFFLINE_ROLES = new Set(['root', 'targets', 'bins', 'unclaimed', 'claimed']);
const EVERYTHING = ['*', '*/*', '*/*/*', '*/*/*/*', '*/*/*/*/*'];

/** An index signed as PEP 458 (targets → bins → bin-n) or PEP 480 (claimed before unclaimed) say. */
export class SignedIndex {
  readonly repository: Repository;
  readonly bins: Bins;
  readonly #options: SignedIndexOptions;
  readonly #projects = new Map<string, Map<string, IndexFile>>();
  readonly #unpublished = new Set<string>();
  readonly #claimed = new Set<string>();

  constructor(options: SignedIndexOptions) {
    this.#options = options;
    this.repository = new Repository(repositoryOptions(options));
    this.bins = this.#delegate();
  }

  /** Uploads files; an equal file name is replaced. The page is written at the next publish. */
  upload(project: string, ...files: readonly IndexFile[]): void {
    const known = this.#filesOf(project);
    for (const file of files) {
      const replaced = known.get(file.filename);
      if (replaced !== undefined) this.#removeTargets(project, replaced);
      known.set(file.filename, file);
      this.#addFile(project, file);
    }
  }

  remove(project: string, filename: string): void {
    const known = this.#filesOf(project);
    const file = known.get(filename);
    if (file === undefined) return;
    known.delete(filename);
    this.#removeTargets(project, file);
  }

  /** From now on only these keys sign for the project; `recent` is the online way in (PEP 480). */
  claim(project: string, authority: Authority, recent = false): void {
    if (this.#options.claims !== true) throw new Error('this index was made without claims');
    const files = [...this.#filesOf(project).values()];
    for (const file of files) this.#removeTargets(project, file);
    const page = this.pagePath(project);
    this.repository.removeTarget(this.roleFor(project, page), page);
    this.#claimed.add(project);
    this.repository.delegate(recent ? 'recently-claimed' : 'claimed', {
      name: projectRole(project),
      authority,
      paths: [page, `packages/*/*/*/${project.replaceAll('-', '_')}-*`],
      terminating: true,
    });
    for (const file of files) this.#addFile(project, file);
  }

  /** The role that signs for a project's target path. */
  roleFor(project: string, path: string): string {
    return this.#claimed.has(project) ? projectRole(project) : this.bins.binOf(path);
  }

  pagePath(project: string): string {
    return this.#options.pagePath?.(project) ?? `simple/${project}/index.html`;
  }

  filePath(file: IndexFile): string {
    return filePath(file);
  }

  /** The page as it would be published now. */
  page(project: string): Uint8Array {
    const files = [...(this.#projects.get(project)?.values() ?? [])];
    return Buffer.from(
      this.#options.pageFormat === 'json' ? jsonPage(project, files) : htmlPage(project, files),
      'utf8',
    );
  }

  publish(edits?: Edits): void {
    for (const project of this.#unpublished) this.#addTarget(project, this.pagePath(project), this.page(project));
    this.#unpublished.clear();
    this.repository.publish(edits);
  }

  #delegate(): Bins {
    const { repository } = this;
    const { keys, claims = false, binKind, binBits } = this.#options;
    if (claims) {
      // The order is the protection: an online key further down never gets to speak for a claimed project.
      repository.delegate('targets', { name: 'claimed', authority: keys.bins, paths: EVERYTHING });
      repository.delegate('targets', { name: 'recently-claimed', authority: keys.online, paths: EVERYTHING });
    }
    const above = claims ? 'unclaimed' : 'bins';
    repository.delegate('targets', { name: above, authority: keys.bins, paths: EVERYTHING });
    return binKind === 'succinct'
      ? repository.delegateSuccinct(above, 'bin', binBits, keys.online)
      : repository.delegateBins(above, 'bin', binBits, keys.online);
  }

  #filesOf(project: string): Map<string, IndexFile> {
    const files = this.#projects.get(project) ?? new Map<string, IndexFile>();
    this.#projects.set(project, files);
    this.#unpublished.add(project);
    return files;
  }

  #addTarget(project: string, path: string, bytes: Uint8Array): void {
    this.repository.addTarget(this.roleFor(project, path), path, bytes);
  }

  #addFile(project: string, file: IndexFile): void {
    this.#addTarget(project, filePath(file), file.bytes);
    if (file.coreMetadata !== undefined) this.#addTarget(project, `${filePath(file)}.metadata`, file.coreMetadata);
  }

  #removeTargets(project: string, file: IndexFile): void {
    const paths = [filePath(file), ...(file.coreMetadata === undefined ? [] : [`${filePath(file)}.metadata`])];
    for (const path of paths) this.repository.removeTarget(this.roleFor(project, path), path);
  }
}

function repositoryOptions(options: SignedIndexOptions): RepositoryOptions {
  const { keys, now, metaHashes, targetHashes, targetNames, style } = options;
  return {
    authorities: { root: keys.root, targets: keys.targets, snapshot: keys.online, timestamp: keys.online },
    now,
    lifetime: (role) => (OFFLINE_ROLES.has(role) || role.startsWith('project-') ? YEAR : DAY),
    ...(metaHashes === undefined ? {} : { metaHashes }),
    ...(targetHashes === undefined ? {} : { targetHashes }),
    ...(targetNames === undefined ? {} : { targetNames }),
    ...(style === undefined ? {} : { style }),
  };
}

function projectRole(project: string): string {
  return `project-${project}`;
}
