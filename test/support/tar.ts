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

/** A ustar of plain files, in order. */
export function tar(files: readonly (readonly [path: string, bytes: Uint8Array])[]): Uint8Array {
  const blocks = files.flatMap(([path, bytes]) => {
    const padding = Buffer.alloc((512 - (bytes.byteLength % 512)) % 512);
    return [headerOf(path, bytes.byteLength), bytes, padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function headerOf(path: string, size: number): Uint8Array {
  const header = Buffer.alloc(512);
  header.write(path, 0, 'latin1');
  header.write('0000644\0', 100, 'latin1');
  header.write('0000000\0'.repeat(2), 108, 'latin1');
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  header.write('00000000000\0', 136, 'latin1');
  header.write('        0', 148, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
