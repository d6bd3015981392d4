import { describe, expect, it } from 'vitest';
import { findDirectory, readDirectory } from '../../../src/pypi/inspect/zip-directory.ts';
import { refusalOf } from '../../support/client.ts';

// A directory is read before anything of a zip is believed: whatever it states, it is a list of members or a refusal.

interface Stated {
  readonly size?: number;
  readonly compressed?: number;
  readonly offset?: number;
  readonly name?: number;
  readonly extra?: Buffer;
}

function entry({ size = 0, compressed = 0, offset = 0, name = 0, extra = Buffer.alloc(0) }: Stated): Buffer {
  const fixed = Buffer.alloc(46);
  fixed.write('PK\x01\x02');
  fixed.writeUInt32LE(compressed, 20);
  fixed.writeUInt32LE(size, 24);
  fixed.writeUInt16LE(name, 28);
  fixed.writeUInt16LE(extra.byteLength, 30);
  fixed.writeUInt32LE(offset, 42);
  return Buffer.concat([fixed, extra]);
}

/** The zip64 field, of which so many bytes are there. */
function wide(value: bigint, bytes = 8): Buffer {
  const field = Buffer.alloc(12);
  field.writeUInt16LE(1, 0);
  field.writeUInt16LE(bytes, 2);
  field.writeBigUInt64LE(value, 4);
  return field.subarray(0, 4 + bytes);
}

function end({ length = 0, start = 0 }): Buffer {
  const record = Buffer.alloc(22);
  record.write('PK\x05\x06');
  record.writeUInt32LE(length, 12);
  record.writeUInt32LE(start, 16);
  return record;
}

const FULL = 0xffffffff;
const full = end({ length: FULL, start: FULL });

function locator(at: number): Buffer {
  const record = Buffer.alloc(20);
  record.write('PK\x06\x07');
  record.writeBigUInt64LE(BigInt(at), 8);
  return record;
}

const end64 = (): Buffer => Buffer.concat([Buffer.from('PK\x06\x06'), Buffer.alloc(52)]);

describe('the directory of a zip is not looked for', () => {
  it.each<readonly [string, Buffer, number]>([
    ['where its fields are full and nothing stands before them', full, 22],
    [
      'where its fields are full and what stands before them is no locator',
      Buffer.concat([Buffer.alloc(20), full]),
      42,
    ],
    ['where its locator points before the bytes at hand', Buffer.concat([end64(), locator(0), full]), 1000],
    ['where its locator points so late that the record is cut', Buffer.concat([locator(0), full]), 42],
    ['where its locator has another signature', Buffer.concat([end64(), Buffer.alloc(20), full]), 98],
    ['where its locator points at its last byte', Buffer.concat([locator(41), full]), 42],
    ['where its locator points at something else', Buffer.concat([Buffer.alloc(56), locator(0), full]), 98],
  ])('%s', async (_, tail, size) => {
    expect(await refusalOf(() => findDirectory(tail, size))).toMatchObject({
      reason: 'format',
      message: 'it is no whole zip: its directory is damaged',
    });
  });

  it('beyond the end of the file', async () => {
    const refusal = await refusalOf(() => findDirectory(end({ start: 20, length: 3 }), 22));
    expect(refusal).toMatchObject({ reason: 'format', message: expect.stringContaining('beyond its end') });
  });

  it('where it is larger than a directory may be', async () => {
    const most = 32 * 1024 * 1024;
    expect(findDirectory(end({ length: most }), 2 * most).length).toBe(most);
    expect(await refusalOf(() => findDirectory(end({ length: most + 1 }), 2 * most))).toMatchObject({
      reason: 'limit',
    });
  });

  it('but found by its zip64 record', () => {
    expect(findDirectory(Buffer.concat([end64(), locator(0), full]), 98)).toEqual({ start: 0, length: 0 });
  });
});

describe('the directory of a zip is refused', () => {
  it.each<readonly [string, Buffer, RegExp]>([
    ['that ends within an entry', entry({}).subarray(0, 45), /damaged/],
    ['that begins as something else', Buffer.alloc(46), /damaged/],
    [
      'with members that overlap',
      Buffer.concat([entry({ compressed: 10 }), entry({ offset: 9, compressed: 10 })]),
      /overlap/,
    ],
    ['that ends within a name', entry({ name: 1 }), /cut/],
    ['with a member that reaches into it', entry({ offset: 40, compressed: 11 }), /reach into/],
    ['with a wide size of too few bytes', entry({ size: FULL, extra: wide(1n, 4) }), /damaged/],
    ['with a size that no file has', entry({ size: FULL, extra: wide(2n ** 60n) }), /impossible/],
  ])('%s', async (_, bytes, why) => {
    expect(await refusalOf(() => readDirectory(bytes, 50))).toMatchObject({
      reason: 'format',
      message: expect.stringMatching(why),
    });
  });

  it('and not one whose last member ends where it begins, or whose sizes are wide', () => {
    expect(readDirectory(entry({ offset: 40, compressed: 10 }), 50)).toMatchObject([{ offset: 40, compressed: 10 }]);
    expect(readDirectory(entry({ size: FULL, extra: wide(2n ** 40n) }), 50)).toMatchObject([{ size: 2 ** 40 }]);
  });
});
