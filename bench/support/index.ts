import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignedIndex } from '../../src/repository/signed-index.ts';
import { ed25519Key } from '../../src/repository/signing-keys.ts';
import { startUpstream, type TestUpstream } from '../../test/support/upstream.ts';
import { type Mirror, type Served, serve } from './mirror.ts';

/** An index signed as PEP 458 says, small: what is measured is not how many bins it has. */
export function smallIndex(): SignedIndex {
  const one = () => ({ keys: [ed25519Key()], threshold: 1 });
  return new SignedIndex({
    keys: { root: one(), targets: one(), bins: one(), online: one() },
    now: () => Math.floor(Date.now() / 1000),
    binBits: 2,
    pageFormat: 'json',
  });
}

/** A built program as a server of one signed index. */
export function startMirror(
  directory: string,
  upstream: string,
  root: Uint8Array,
  {
    layout = 'pep458',
    more = [],
    ...served
  }: Served & { readonly layout?: string; readonly more?: readonly string[] } = {},
): Promise<Mirror> {
  const rootFile = join(directory, 'root.json');
  writeFileSync(rootFile, root);
  return serve(
    directory,
    [
      ...['--upstream', upstream, '--root', rootFile, '--layout', layout],
      ...['--pages-url', `${upstream}targets/`, '--files-url', `${upstream}targets/`],
      ...more,
    ],
    served,
  );
}

export interface Mirrored {
  readonly directory: string;
  readonly upstream: TestUpstream;
  readonly mirror: Mirror;
}

/** Runs with an index, an upstream server of its files and a mirror before it, and leaves nothing behind. */
export async function withMirror<T>(
  index: SignedIndex,
  run: (mirrored: Mirrored) => Promise<T>,
  served: Served = {},
): Promise<T> {
  index.publish();
  const { files } = index.repository;
  return withServers(
    () => startUpstream({ files, etags: false }),
    (directory, upstream) => startMirror(directory, upstream, rootOf(index), served),
    run,
  );
}

/** Runs with an upstream server and a mirror before it, and leaves nothing behind. */
export function withServers<T>(
  serve: () => Promise<TestUpstream>,
  mirrorOf: (directory: string, upstream: string) => Promise<Mirror>,
  run: (mirrored: Mirrored) => Promise<T>,
): Promise<T> {
  return withDirectory(async (directory) => {
    const upstream = await serve();
    try {
      const mirror = await mirrorOf(directory, upstream.url);
      try {
        return await run({ directory, upstream, mirror });
      } finally {
        await mirror.stop();
      }
    } finally {
      await upstream.close();
    }
  });
}

export function rootOf({ repository }: Pick<SignedIndex, 'repository'>): Uint8Array {
  const root = repository.files.get('metadata/1.root.json');
  if (root === undefined) throw new Error('the index is not published');
  return root;
}

/** A directory that is gone afterwards. */
export async function withDirectory<T>(run: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'verbatim-bench-'));
  try {
    return await run(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
