import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Repository } from '../../src/repository/repository.ts';
import { SignedIndex, type SignedIndexOptions } from '../../src/repository/signed-index.ts';
import { authority } from './keys.ts';
import { startUpstream, type TestUpstream } from './upstream.ts';
import { type RunningVerbatim, startVerbatim } from './verbatim.ts';
import type { Wheel } from './wheels.ts';

export const now = () => Math.floor(Date.now() / 1000);

export interface RigOptions extends Partial<Omit<SignedIndexOptions, 'keys' | 'now'>> {
  readonly wheels: readonly Wheel[];
  /** Projects signed by their developer's own key (PEP 480). */
  readonly claimed?: readonly string[];
  /** Whose keys: the same name, the same keys. */
  readonly keysOf?: string;
}

/** A signed index on loopback, and how to put real mirrors before it. */
export interface Rig {
  readonly index: SignedIndex;
  readonly upstream: TestUpstream;
  /** The pinned root, as a file. */
  readonly root: string;
  /** Scratch space that goes when the rig closes. */
  readonly directory: string;
  /** Another mirror of the same upstream, knowing nothing; it is closed with the rig. */
  readonly mirror: (flags?: readonly string[]) => Promise<RunningVerbatim>;
  /** Upstream's GETs of targets whose name ends so. */
  readonly fetched: (ending: string) => number;
  readonly close: () => Promise<void>;
}

/** An index as PEP 458 or PEP 480 signs it, out of the wheels given. */
export async function startRig({ wheels, claimed = [], keysOf = '', ...options }: RigOptions): Promise<Rig> {
  const index = new SignedIndex({
    keys: {
      root: authority([`root 1${keysOf}`, `root 2${keysOf}`]),
      targets: authority([`targets 1${keysOf}`, `targets 2${keysOf}`]),
      bins: authority([`bins${keysOf}`]),
      online: authority([`online${keysOf}`]),
    },
    now,
    binBits: 4,
    claims: claimed.length > 0,
    pageFormat: 'json',
    ...options,
  });
  for (const wheel of wheels) index.upload(wheel.project, wheel);
  for (const project of claimed) index.claim(project, authority([`developer of ${project}`]));
  index.publish();
  const served = await serveRepository(index.repository);
  return {
    ...served,
    index,
    mirror: (flags = []) =>
      served.mirror(['--layout', 'pep458', '--pages-url', `${served.upstream.url}targets/`, ...flags]),
  };
}

/** Any repository on loopback: `metadata/` and `targets/`. */
export async function serveRepository(repository: Repository): Promise<Omit<Rig, 'index'>> {
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-rig-'));
  const root = join(directory, '1.root.json');
  await writeFile(root, repository.files.get('metadata/1.root.json') ?? '');
  const upstream = await startUpstream({ files: repository.files });
  const mirrors: RunningVerbatim[] = [];
  return {
    upstream,
    root,
    directory,
    async mirror(flags = ['--layout', 'plain']) {
      const files = ['--files-url', `${upstream.url}targets/`];
      const mirror = await startVerbatim(['--upstream', upstream.url, '--root', root, ...files, ...flags]);
      mirrors.push(mirror);
      return mirror;
    },
    fetched: (ending) => upstream.requests.filter(({ url }) => decodeURIComponent(url).endsWith(ending)).length,
    async close() {
      await Promise.all(mirrors.map((mirror) => mirror.close()));
      await upstream.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
