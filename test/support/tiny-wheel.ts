import { crc32 } from 'node:zlib';
import type { IndexFile } from '../../src/repository/index-pages.ts';

/** A stored zip of the given members, in order. */
export function zip(members: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, bytes] of members) {
    const title = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(bytes.byteLength, 14);
    common.writeUInt32LE(bytes.byteLength, 18);
    common.writeUInt16LE(title.byteLength, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, title, bytes]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), common, tail, title]));
    locals.push(local);
    at += local.byteLength;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(members.length, 4);
  end.writeUInt16LE(members.length, 6);
  end.writeUInt32LE(listed.byteLength, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...locals, listed, Buffer.from('PK\x05\x06'), end]);
}

export interface TinyWheel extends IndexFile {
  readonly project: string;
  readonly coreMetadata: Uint8Array;
}

/**
 * A wheel that pip could install, of a few hundred bytes; `content` makes two of one name differ. `requires`: as Requires-Dist has
 * them.
 */
export function tinyWheel(project: string, version = '1.0', content = '', requires: readonly string[] = []): TinyWheel {
  const name = project.replaceAll('-', '_');
  const info = `${name}-${version}.dist-info`;
  const lines = requires.map((each) => `Requires-Dist: ${each}\n`).join('');
  const coreMetadata = Buffer.from(`Metadata-Version: 2.1\nName: ${project}\nVersion: ${version}\n${lines}`);
  const bytes = zip([
    [`${name}.py`, Buffer.from(`VERSION = '${version}'  # ${content}\n`)],
    [`${info}/METADATA`, coreMetadata],
    [`${info}/WHEEL`, Buffer.from('Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n')],
    [`${info}/RECORD`, Buffer.from(`${name}.py,,\n${info}/METADATA,,\n${info}/WHEEL,,\n${info}/RECORD,,\n`)],
  ]);
  return { project, filename: `${name}-${version}-py3-none-any.whl`, bytes, coreMetadata };
}
