import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { headMember, MANIFEST_NAME, SEAL_NAME } from '../../src/bundle/format/archive.ts';
import type { SigningKey } from '../../src/bundle/format/keys.ts';
import { encodeEntry, encodeHeader, encodePiece } from '../../src/bundle/format/manifest-lines.ts';
import { MemberPlaces } from '../../src/bundle/format/members.ts';
import type { Entry } from '../../src/bundle/format/model.ts';
import { seal } from '../../src/bundle/format/seal.ts';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { instantText } from '../../src/bytes/instant.ts';
import { HEADER } from './bundles.ts';
import { DAY } from './clock.ts';

// A bundle of many gigabytes that takes next to no room on the disk it lies on.

const MIB = 1024 * 1024;

/** A file whose every byte is zero but for its number in front: on disk it is one block. */
function contentOf(file: number, size: number): { readonly first: Buffer; readonly sha256: string } {
  const first = Buffer.alloc(8);
  first.writeUInt32LE(file + 1);
  const hash = createHash('sha256').update(first);
  const zeros = Buffer.alloc(MIB);
  for (let left = size - first.length; left > 0; left -= MIB) hash.update(zeros.subarray(0, Math.min(MIB, left)));
  return { first, sha256: hash.digest('hex') };
}

const nameOf = (file: number) => `demo-${file + 1}.0-py3-none-any.whl`;

/** A bundle of one project of so many files of so many bytes, in a sparse file. */
export async function sparseBundle(path: string, key: SigningKey, files: number, size: number): Promise<void> {
  const contents = Array.from({ length: files }, (_, file) => ({ name: nameOf(file), ...contentOf(file, size) }));
  contents.sort((a, b) => (a.name < b.name ? -1 : 1));
  const page = Buffer.from(
    JSON.stringify({
      meta: { 'api-version': '1.1' },
      name: 'demo',
      versions: [],
      files: contents.map(({ name, sha256 }) => ({ filename: name, url: name, hashes: { sha256 }, size })),
    }),
  );
  const url = 'https://index.example/simple/demo/';
  const type = 'application/vnd.pypi.simple.v1+json';
  const entries: readonly Entry[] = [
    { kind: 'page', project: 'demo', url, type, size: page.length, sha256: sha256Hex(page), bytes: 'here' },
    ...contents.map(
      ({ name, sha256 }): Entry => ({ kind: 'file', project: 'demo', name, size, sha256, bytes: 'here' }),
    ),
  ];
  const places = new MemberPlaces();
  const members = entries.map((entry) => places.add(entry));
  // The body is zeros but for headers and the first bytes of each content.
  const written = members.map((member, at) => ({
    position: member.position,
    header: Buffer.from(member.header),
    bytes: at === 0 ? page : (contents[at - 1]?.first ?? page),
  }));
  const hash = createHash('sha256');
  const zeros = Buffer.alloc(MIB);
  let done = 0;
  const upTo = (end: number) => {
    for (; done < end; done += Math.min(MIB, end - done)) hash.update(zeros.subarray(0, Math.min(MIB, end - done)));
  };
  for (const { position, header, bytes } of written) {
    upTo(position - header.length);
    hash.update(header).update(bytes);
    done = position + bytes.length;
  }
  upTo(places.body);
  const time = instantText(Math.floor(Date.now() / 1000) - DAY);
  const manifest = Buffer.concat([
    encodeHeader({
      ...HEADER,
      stateAt: time,
      referenceTime: time,
      totals: {
        entries: entries.length,
        members: places.count,
        content: entries.reduce((sum, entry) => sum + entry.size, 0),
        body: places.body,
        changes: 0,
        pieces: 1,
      },
    }),
    ...entries.map(encodeEntry),
    encodePiece({ piece: 1, size: places.body, sha256: hash.digest('hex') }),
  ]);
  const sealed = { index: 'main', number: 1, manifest: { sha256: sha256Hex(manifest), size: manifest.length } };
  const signature = seal(sealed, [key]);
  const [inFront, behind] = [headMember(MANIFEST_NAME, manifest.length), headMember(SEAL_NAME, signature.length)];
  const head = Buffer.concat([inFront.header, manifest, inFront.filling, behind.header, signature, behind.filling]);
  const file = await open(path, 'wx');
  try {
    await file.write(head, 0, head.length, 0);
    for (const { position, header, bytes } of written) {
      await file.write(header, 0, header.length, head.length + position - header.length);
      await file.write(bytes, 0, bytes.length, head.length + position);
    }
    await file.truncate(head.length + places.body);
  } finally {
    await file.close();
  }
}
