import type { Algorithm } from '../../src/bytes/digest.ts';
import type { SignedIndexConfig } from '../../src/config/config.ts';
import { digestHex } from '../../src/repository/digests.ts';
import { Repository } from '../../src/repository/repository.ts';
import { createClock } from '../support/clock.ts';
import type { TinyWheel } from '../support/tiny-wheel.ts';
import { NOW } from './mirror.ts';
import { type MirrorRig, startMirrorRig } from './mirror-rig.ts';
import { KEYS } from './signed-rig.ts';

/** A file as an index names it: by PyPI's content path and by project. */
export interface Named extends TinyWheel {
  /** `aa/bb/rest` */
  readonly content: string;
}

/** One way to lay out a signed index, spelled out here from the field notes and not from the code under test. */
export interface LayoutCase {
  readonly name: string;
  readonly layout: SignedIndexConfig['layout'] | ((upstream: string) => SignedIndexConfig['layout']);
  readonly metadata: string;
  /** In the order the metadata lists them. */
  readonly hashes: readonly Algorithm[];
  readonly page?: {
    readonly target: (project: string) => string;
    /** `hash` is the first listed one; undefined where storage has no digests in names. */
    readonly url: (project: string, hash: string | undefined) => string;
    readonly text: (project: string, files: readonly Named[]) => string;
  };
  readonly list?: {
    readonly target: string;
    readonly url: (hash: string | undefined) => string;
    readonly text: string;
  };
  readonly file: {
    readonly target?: (file: Named) => string;
    readonly url: (file: Named, hash: string | undefined) => string;
  };
  readonly coreMetadataUrl?: (file: Named) => string;
}

export interface LayoutRig extends MirrorRig {
  readonly repository: Repository;
  readonly files: readonly Named[];
  /** Every target path with its bytes. */
  readonly targets: ReadonlyMap<string, Uint8Array>;
  /** Where the mirror has a file, below its root. */
  readonly pathOf: (file: Named) => string;
}

export interface LayoutRigOptions {
  readonly consistent?: boolean;
  readonly bins?: 'prefixes' | 'succinct' | 'none';
}

export function named(wheel: TinyWheel): Named {
  const hex = digestHex('blake2b-256', wheel.bytes);
  return { ...wheel, content: `${hex.slice(0, 2)}/${hex.slice(2, 4)}/${hex.slice(4)}` };
}

/** An index signed and stored as the case says, and a mirror before it that has seen nothing yet. */
export async function startLayoutRig(
  layout: LayoutCase,
  wheels: readonly TinyWheel[],
  { consistent = true, bins = 'prefixes' }: LayoutRigOptions = {},
): Promise<LayoutRig> {
  const clock = createClock(NOW);
  const files = wheels.map(named);
  const repository = new Repository({
    authorities: { root: KEYS.root, targets: KEYS.targets, snapshot: KEYS.online, timestamp: KEYS.online },
    now: clock.now,
    consistent,
    targetHashes: layout.hashes,
  });
  const roleOf = delegate(repository, bins);
  const stored = new Map<string, Uint8Array>();
  const targets = new Map<string, Uint8Array>();
  const [first = 'sha256'] = layout.hashes;
  const put = (target: string | undefined, bytes: Uint8Array, url: (hash: string | undefined) => string) => {
    if (target !== undefined) {
      repository.addTarget(roleOf(target), target, bytes);
      targets.set(target, bytes);
    }
    stored.set(url(consistent ? digestHex(first, bytes) : undefined), bytes);
  };

  for (const file of files) {
    put(layout.file.target?.(file), file.bytes, (hash) => layout.file.url(file, hash));
    const metadataUrl = layout.coreMetadataUrl?.(file);
    if (metadataUrl !== undefined) stored.set(metadataUrl, file.coreMetadata);
  }
  const { page, list } = layout;
  if (page !== undefined)
    for (const project of new Set(files.map((file) => file.project))) {
      const own = files.filter((file) => file.project === project);
      put(page.target(project), Buffer.from(page.text(project, own)), (hash) => page.url(project, hash));
    }
  if (list !== undefined) put(list.target, Buffer.from(list.text), list.url);
  repository.publish();

  const get = (path: string) =>
    path.startsWith(layout.metadata)
      ? repository.files.get(`metadata/${path.slice(layout.metadata.length)}`)
      : stored.get(path);
  const root = repository.files.get('metadata/1.root.json');
  if (root === undefined) throw new Error('no root was published');
  const rig = await startMirrorRig({
    files: { get },
    root,
    clock,
    index: (upstream) => ({ layout: typeof layout.layout === 'function' ? layout.layout(upstream) : layout.layout }),
  });
  return {
    ...rig,
    repository,
    files,
    targets,
    pathOf: (file) =>
      layout.name === 'datadog'
        ? `/files/${file.project}/${digestHex('sha256', file.bytes)}/${file.filename}`
        : `/packages/${file.content}/${file.filename}`,
  };
}

function delegate(repository: Repository, bins: LayoutRigOptions['bins']): (path: string) => string {
  if (bins === 'none') return () => 'targets';
  repository.delegate('targets', { name: 'bins', authority: KEYS.bins, paths: EVERYTHING });
  const made =
    bins === 'succinct'
      ? repository.delegateSuccinct('bins', 'bin', 2, KEYS.online)
      : repository.delegateBins('bins', 'bin', 2, KEYS.online);
  return made.binOf;
}

const EVERYTHING = ['*', '*/*', '*/*/*', '*/*/*/*', '*/*/*/*/*'];
