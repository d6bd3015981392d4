import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { wheelMetadata } from '../../../src/pypi/wheel.ts';
import { tinyWheel, zip } from '../../support/tiny-wheel.ts';

const LIMIT = 1000;
const MIB = 1024 * 1024;
const DIRECTORY_ENTRY = 'PK\x01\x02';
const END = 'PK\x05\x06';
const WHEEL = tinyWheel('alpha');
const METADATA = 'alpha-1.0.dist-info/METADATA';

async function read(file: Buffer) {
  let most = 0;
  const part = async (from: number, to: number) => {
    most = Math.max(most, to - from);
    return file.subarray(from, to);
  };
  return { metadata: await wheelMetadata(file.byteLength, part, LIMIT), most };
}

/** Where the zip's directory has its entry for METADATA. */
function entryIn(file: Buffer): Buffer {
  for (let at = file.indexOf(DIRECTORY_ENTRY); at !== -1; at = file.indexOf(DIRECTORY_ENTRY, at + 1))
    if (file.toString('utf8', at + 46, at + 46 + file.readUInt16LE(at + 28)).endsWith('/METADATA'))
      return file.subarray(at);
  throw new Error('no entry for METADATA');
}

/** The wheel after a change to a copy of it. */
function changed(change: (file: Buffer) => void, bytes = WHEEL.bytes): Buffer {
  const file = Buffer.from(bytes);
  change(file);
  return file;
}

const inEntry = (lie: (entry: Buffer) => void) => changed((file) => lie(entryIn(file)));
const inEnd = (lie: (end: Buffer) => void) => changed((file) => lie(file.subarray(file.lastIndexOf(END))));

/** METADATA packed, as its local header and the directory say. */
function deflated(content: Buffer): Buffer {
  const packed = deflateRawSync(content);
  return changed(
    (file) => {
      const entry = entryIn(file);
      for (const [header, method, size] of [
        [file, 8, 22],
        [entry, 10, 24],
      ] as const) {
        header.writeUInt16LE(8, method);
        header.writeUInt32LE(content.byteLength, size);
      }
    },
    zip([[METADATA, packed]]),
  );
}

/** Room between the files and the directory for what the entry may claim. */
function roomy(lie: (entry: Buffer) => void): Buffer {
  const { bytes } = WHEEL;
  const local = Buffer.from(bytes).indexOf(DIRECTORY_ENTRY);
  const file = Buffer.concat([bytes.subarray(0, local), Buffer.alloc(8 * MIB), bytes.subarray(local)]);
  lie(entryIn(file));
  file.writeUInt32LE(local + 8 * MIB, file.lastIndexOf(END) + 16);
  return file;
}

describe('the METADATA of a wheel', () => {
  it('is found in its zip, stored or deflated', async () => {
    expect((await read(Buffer.from(WHEEL.bytes))).metadata).toEqual(WHEEL.coreMetadata);
    const content = Buffer.from('Name: alpha\n'.repeat(50));
    expect(Buffer.from((await read(deflated(content))).metadata ?? [])).toEqual(content);
  });

  it('is found before a comment that the zip ends with', async () => {
    const file = Buffer.concat([WHEEL.bytes, Buffer.from('a remark')]);
    file.writeUInt16LE('a remark'.length, file.lastIndexOf(END) + 20);
    expect((await read(file)).metadata).toEqual(WHEEL.coreMetadata);
  });

  it.each([
    ['stored', 0],
    ['deflated', 8],
  ])('%s, of a packed size far past the limit, is not read into memory', async (_, method) => {
    const { metadata, most } = await read(
      roomy((entry) => {
        entry.writeUInt16LE(method, 10);
        entry.writeUInt32LE(4 * MIB, 20);
      }),
    );
    expect(metadata).toBeUndefined();
    expect(most).toBeLessThan(MIB);
  });

  it('that says to be larger than its limit is refused', async () => {
    await expect(read(inEntry((entry) => entry.writeUInt32LE(LIMIT + 1, 24)))).rejects.toMatchObject({
      reason: 'limit',
    });
  });

  it.each<readonly [string, Buffer]>([
    ['a file that is no zip', Buffer.from('no zip at all, and long enough to be looked through')],
    ['an empty file', Buffer.alloc(0)],
    ['a zip whose comment does not reach to its end', inEnd((end) => end.writeUInt16LE(7, 20))],
    ['a directory longer than the file', inEnd((end) => end.writeUInt32LE(WHEEL.bytes.byteLength, 12))],
    ['a directory longer than any that is read', inEnd((end) => end.writeUInt32LE(17 * MIB, 12))],
    ['a directory that is somewhere else', inEnd((end) => end.writeUInt32LE(3, 16))],
    ['an entry whose name runs past the directory', inEntry((entry) => entry.writeUInt16LE(60_000, 28))],
    ['an entry that lies behind the file', inEntry((entry) => entry.writeUInt32LE(WHEEL.bytes.byteLength, 42))],
    ['an entry with no file where it points', inEntry((entry) => entry.writeUInt32LE(1, 42))],
    ['an entry packed in a way of its own', inEntry((entry) => entry.writeUInt16LE(12, 10))],
    ['a stored one whose two sizes differ', inEntry((entry) => entry.writeUInt32LE(entry.readUInt32LE(20) - 1, 20))],
    [
      'a stored one that runs past the file',
      inEntry((entry) => {
        entry.writeUInt32LE(LIMIT, 20);
        entry.writeUInt32LE(LIMIT, 24);
      }),
    ],
    ['a deflated one that is not', inEntry((entry) => entry.writeUInt16LE(8, 10))],
    [
      'a deflated one of another size',
      changed((file) => entryIn(file).writeUInt32LE(9, 24), deflated(Buffer.alloc(90))),
    ],
    ['a wheel without one', Buffer.from(zip([['alpha.py', Buffer.from('x')]]))],
    [
      'a wheel with two',
      Buffer.from(
        zip([
          [METADATA, Buffer.from('one')],
          ['beta-1.0.dist-info/METADATA', Buffer.from('two')],
        ]),
      ),
    ],
  ])('is none in %s', async (_, file) => {
    expect((await read(file)).metadata).toBeUndefined();
  });
});
