import { gunzipSync } from 'node:zlib';

/** The files of a small, plain tar.gz, by path; enough for fixtures. */
export function untar(archive: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const tar = gunzipSync(archive);
  const files = new Map<string, Uint8Array>();
  for (let at = 0; at + 512 <= tar.length; ) {
    const header = tar.subarray(at, at + 512);
    const name = text(header.subarray(0, 100));
    if (name === '') break;
    const size = Number.parseInt(text(header.subarray(124, 136)), 8);
    const kind = text(header.subarray(156, 157));
    if (kind === '0' || kind === '') files.set(name, tar.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

function text(field: Uint8Array): string {
  return Buffer.from(field).toString('latin1').replace(/\0.*$/s, '').trim();
}
