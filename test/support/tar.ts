import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** The files of a small, plain tar.gz, by path; enough for fixtures. */
export function untar(archive: Uint8Array): ReadonlyMap<string, Uint8Array> {
  return new Map([...members(archive)].flatMap(({ path, mode, bytes }) => (mode === 'folder' ? [] : [[path, bytes]])));
}

/** Writes all of it below a folder, every file with its permissions. */
export async function unpack(archive: Uint8Array, into: string): Promise<void> {
  for (const { path, mode, bytes } of members(archive)) {
    await mkdir(join(into, mode === 'folder' ? path : dirname(path)), { recursive: true });
    if (mode !== 'folder') await writeFile(join(into, path), bytes, { mode });
  }
}

interface Member {
  readonly path: string;
  readonly mode: number | 'folder';
  readonly bytes: Uint8Array;
}

function* members(archive: Uint8Array): Generator<Member> {
  const tar = gunzipSync(archive);
  for (let at = 0; at + 512 <= tar.length; ) {
    const header = tar.subarray(at, at + 512);
    const name = text(header.subarray(0, 100));
    if (name === '') return;
    const folder = text(header.subarray(345, 500));
    const size = Number.parseInt(text(header.subarray(124, 136)), 8);
    const kind = text(header.subarray(156, 157));
    const path = folder === '' ? name : `${folder}/${name}`;
    const bytes = tar.subarray(at + 512, at + 512 + size);
    if (kind === '5') yield { path, mode: 'folder', bytes };
    else if (kind === '0' || kind === '')
      yield { path, mode: Number.parseInt(text(header.subarray(100, 108)), 8), bytes };
    else throw new Error(`${path}: a tar of files and folders was expected`);
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

function text(field: Uint8Array): string {
  return Buffer.from(field).toString('latin1').replace(/\0.*$/s, '').trim();
}
