import type { Algorithm } from '../bytes/digest.ts';
import type { Bins } from './bins.ts';
import type { Authority, Extra } from './documents.ts';
import { filePath, htmlPage, type IndexFile, jsonPage } from './index-pages.ts';
import type { Style } from './json-writer.ts';
import { createRepository, type Edits, type Repository } from './repository.ts';

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

export interface SignedIndex {
  readonly repository: Repository;
  readonly bins: Bins;
  /** Uploads files; an equal file name is replaced. The page is written at the next publish. */
  readonly upload: (project: string, ...files: readonly IndexFile[]) => void;
  readonly remove: (project: string, filename: string) => void;
  /** From now on only these keys sign for the project; `recent` is the online way in (PEP 480). */
  readonly claim: (project: string, authority: Authority, recent?: boolean) => void;
  /** The role that signs for a project's target path. */
  readonly roleFor: (project: string, path: string) => string;
  readonly pagePath: (project: string) => string;
  readonly filePath: (file: IndexFile) => string;
  /** The page as it would be published now. */
  readonly page: (project: string) => Uint8Array;
  readonly publish: (edits?: Edits) => void;
}

const OFFLINE_ROLES = new Set(['root', 'targets', 'bins', 'unclaimed', 'claimed']);

/** An index signed as PEP 458 (targets → bins → bin-n) or PEP 480 (claimed before unclaimed) say. */
export function createSignedIndex(options: SignedIndexOptions): SignedIndex {
  const { keys, claims = false, pageFormat = 'html' } = options;
  const pagePath = options.pagePath ?? ((project) => `simple/${project}/index.html`);
  const repository = createRepository({
    authorities: { root: keys.root, targets: keys.targets, snapshot: keys.online, timestamp: keys.online },
    now: options.now,
    lifetime: (role) => (OFFLINE_ROLES.has(role) || role.startsWith('project-') ? YEAR : DAY),
    ...(options.metaHashes === undefined ? {} : { metaHashes: options.metaHashes }),
    ...(options.targetHashes === undefined ? {} : { targetHashes: options.targetHashes }),
    ...(options.targetNames === undefined ? {} : { targetNames: options.targetNames }),
    ...(options.style === undefined ? {} : { style: options.style }),
  });
  const everything = ['*', '*/*', '*/*/*', '*/*/*/*', '*/*/*/*/*'];
  if (claims) {
    // The order is the protection: an online key further down never gets to speak for a claimed project.
    repository.delegate('targets', { name: 'claimed', authority: keys.bins, paths: everything });
    repository.delegate('targets', { name: 'recently-claimed', authority: keys.online, paths: everything });
  }
  const above = claims ? 'unclaimed' : 'bins';
  repository.delegate('targets', { name: above, authority: keys.bins, paths: everything });
  const delegateBins = options.binKind === 'succinct' ? repository.delegateSuccinct : repository.delegateBins;
  const bins = delegateBins(above, 'bin', options.binBits, keys.online);

  const projects = new Map<string, Map<string, IndexFile>>();
  const unpublished = new Set<string>();
  const claimed = new Set<string>();

  function roleFor(project: string, path: string): string {
    return claimed.has(project) ? projectRole(project) : bins.binOf(path);
  }

  function filesOf(project: string): Map<string, IndexFile> {
    const files = projects.get(project) ?? new Map<string, IndexFile>();
    projects.set(project, files);
    unpublished.add(project);
    return files;
  }

  function addTarget(project: string, path: string, bytes: Uint8Array, custom?: Extra): void {
    repository.addTarget(roleFor(project, path), path, bytes, custom);
  }

  function addFile(project: string, file: IndexFile): void {
    addTarget(project, filePath(file), file.bytes);
    if (file.coreMetadata !== undefined) addTarget(project, `${filePath(file)}.metadata`, file.coreMetadata);
  }

  function removeTargets(project: string, file: IndexFile): void {
    repository.removeTarget(roleFor(project, filePath(file)), filePath(file));
    if (file.coreMetadata === undefined) return;
    const path = `${filePath(file)}.metadata`;
    repository.removeTarget(roleFor(project, path), path);
  }

  function page(project: string): Uint8Array {
    const files = [...(projects.get(project)?.values() ?? [])];
    const text = pageFormat === 'json' ? jsonPage(project, files) : htmlPage(project, files);
    return Buffer.from(text, 'utf8');
  }

  return {
    repository,
    bins,
    upload(project, ...files) {
      const known = filesOf(project);
      for (const file of files) {
        const replaced = known.get(file.filename);
        if (replaced !== undefined) removeTargets(project, replaced);
        known.set(file.filename, file);
        addFile(project, file);
      }
    },
    remove(project, filename) {
      const known = filesOf(project);
      const file = known.get(filename);
      if (file === undefined) return;
      known.delete(filename);
      removeTargets(project, file);
    },
    claim(project, authority, recent = false) {
      if (!claims) throw new Error('this index was made without claims');
      const files = [...filesOf(project).values()];
      for (const file of files) removeTargets(project, file);
      repository.removeTarget(roleFor(project, pagePath(project)), pagePath(project));
      claimed.add(project);
      const written = project.replaceAll('-', '_');
      repository.delegate(recent ? 'recently-claimed' : 'claimed', {
        name: projectRole(project),
        authority,
        paths: [pagePath(project), `packages/*/*/*/${written}-*`],
        terminating: true,
      });
      for (const file of files) addFile(project, file);
    },
    roleFor,
    pagePath,
    filePath,
    page,
    publish(edits) {
      for (const project of unpublished) addTarget(project, pagePath(project), page(project));
      unpublished.clear();
      repository.publish(edits);
    },
  };
}

function projectRole(project: string): string {
  return `project-${project}`;
}
