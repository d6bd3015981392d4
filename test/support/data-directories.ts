import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { IndexConfig } from '../../src/config/config.ts';
import { signedConfig, unsignedConfig } from '../rigs/mirror.ts';
import { DAY } from './clock.ts';
import { unpack } from './tar.ts';
import { tinyWheel } from './tiny-wheel.ts';

// Data directories written by released programs (test/data/README.md): what they hold, and how they are mirrored again.

export type KindOfDirectory = 'signed' | 'unsigned' | 'sealed';

/** What the sealed one was sealed with. */
export const SEAL_KEY = 'the seal key of a test, of more than sixteen bytes';

/** When their story began: 2 November 2026, which no clock is before that this program runs under. */
export const WRITTEN_FROM = Date.UTC(2026, 10, 2) / 1000;
/** When they are read: their pages no longer fresh, and still good enough to stand in for an upstream that is away. */
export const READ_AT = WRITTEN_FROM + DAY;

/** The names the indexes had. Nobody resolves them. */
export const SIGNED_UPSTREAM = 'http://signed.index.test/';
export const UNSIGNED_UPSTREAM = 'http://plain.index.test/simple/';
export const FILE_HOST = 'files.index.test';

/** What the stored pages list, and the files that are stored. */
export const FILES = {
  alphaOne: tinyWheel('alpha', '1.0'),
  alphaTwo: tinyWheel('alpha', '2.0'),
  beta: tinyWheel('beta', '1.0'),
  /** Signed by its developer's own key; of the signed index alone. */
  claimed: tinyWheel('claimed-one', '1.0'),
  /** Gone from the unsigned index. */
  gone: tinyWheel('gone', '1.0'),
};

const DATA = fileURLToPath(new URL('../data/', import.meta.url));

export const archiveOf = (layout: number, kind: KindOfDirectory) => join(DATA, `layout-${layout}`, `${kind}.tar.gz`);

/** One directory, unpacked to be worked with. */
export interface Unpacked {
  readonly data: string;
  readonly root: string;
  readonly seal: { readonly key: string; readonly epoch: string } | undefined;
}

export async function unpackDirectory(layout: number, kind: KindOfDirectory, into: string): Promise<Unpacked> {
  await mkdir(into, { recursive: true });
  await unpack(await readFile(archiveOf(layout, kind)), into);
  return placesIn(into, kind);
}

export function placesIn(directory: string, kind: KindOfDirectory): Unpacked {
  return {
    data: join(directory, 'data'),
    root: join(directory, 'root.json'),
    seal: kind === 'sealed' ? { key: join(directory, 'seal.key'), epoch: join(directory, 'epoch') } : undefined,
  };
}

/** The indexes of a directory as they were configured, reached by a proxy. */
export function indexesOf(kind: KindOfDirectory, root: string, proxy: string): readonly IndexConfig[] {
  const reach = { insecureUpstream: true, proxy: { url: proxy, login: undefined } };
  const signed = signedConfig({ ...reach, upstream: SIGNED_UPSTREAM, root });
  const unsigned = unsignedConfig({ ...reach, upstream: UNSIGNED_UPSTREAM, fileHosts: [FILE_HOST] });
  if (kind === 'signed') return [signed];
  return kind === 'unsigned' ? [unsigned] : [signed, { ...unsigned, name: 'plain' }];
}

/** The same as a configuration file for the command line. */
export async function writeConfig(kind: KindOfDirectory, place: Unpacked, proxy: string, file: string): Promise<void> {
  const { data, root, seal } = place;
  const reach = { proxy: { url: proxy } };
  const signed = {
    ...reach,
    upstream: SIGNED_UPSTREAM,
    root,
    insecure_upstream: 'i-accept-tampering-is-only-caught-by-signatures',
  };
  const unsigned = {
    ...reach,
    upstream: UNSIGNED_UPSTREAM,
    evidence: 'index',
    content_addressed: true,
    file_hosts: [`http://${FILE_HOST}`],
    insecure_upstream: 'i-accept-that-anybody-on-the-way-chooses-the-files',
  };
  const indexes =
    kind === 'signed' ? { main: signed } : kind === 'unsigned' ? { main: unsigned } : { main: signed, plain: unsigned };
  const sealed = seal === undefined ? {} : { seal_key_file: seal.key, seal_epoch_file: seal.epoch };
  // YAML is a superset of JSON.
  await writeFile(file, JSON.stringify({ data, ...sealed, indexes }, undefined, 2));
}
