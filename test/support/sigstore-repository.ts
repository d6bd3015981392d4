import { readFileSync } from 'node:fs';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { untar } from './tar.ts';

/** Sigstore's production repository as of 21 August 2026, under the names that a repository with consistent snapshots has them (TUF §6.2); the archive has current documents under plain ones. */
export function sigstoreRepository(metadata: '' | 'metadata/'): ReadonlyMap<string, Uint8Array> {
  const archive = untar(readFileSync(new URL('../data/sigstore-tuf.tar.gz', import.meta.url)));
  const files = new Map<string, Uint8Array>();
  for (const [path, bytes] of archive) {
    const [, folder = '', target] = /^sigstore-tuf\/targets\/((?:[^/]+\/)?)([^/]+)$/.exec(path) ?? [];
    if (target !== undefined) {
      files.set(`targets/${folder}${target}`, bytes);
      files.set(`targets/${folder}${sha256Hex(bytes)}.${target}`, bytes);
      continue;
    }
    const name = path.replace('sigstore-tuf/metadata/', '').replace('root_history/', '');
    if (name === path || name === 'root.json') continue;
    const { version } = (JSON.parse(Buffer.from(bytes).toString()) as { signed: { version: number } }).signed;
    const isPlain = name === 'timestamp.json' || name.endsWith('.root.json');
    files.set(`${metadata}${isPlain ? '' : `${version}.`}${name}`, bytes);
  }
  return files;
}
