import { createHash } from 'node:crypto';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { checkRecord } from '../../../src/pypi/inspect/record.ts';
import { createFileWork } from '../../../src/workers/file-work.ts';
import { client } from '../../support/callers.ts';
import { reasonOf, refusalOf } from '../../support/client.ts';
import { tinyWheel, zip } from '../../support/tiny-wheel.ts';

// Files held to their own checksums, on the thread that does it, their bytes in pieces of every size.

const work = createFileWork();
afterAll(() => work.close());

function inspect(filename: string, bytes: Uint8Array, { piece = 1000, weak = new Map<'md5' | 'sha1', string>() } = {}) {
  return work.inspect(
    {
      filename,
      size: bytes.byteLength,
      weak,
      async read({ start, end }, write) {
        for (let at = start; at < end; at += piece) await write(bytes.subarray(at, Math.min(end, at + piece)));
      },
    },
    client(),
  );
}

const SOURCE = Buffer.from('x = 1\n'.repeat(400));
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('base64url');
const RECORD = 'a-1.0.dist-info/RECORD';

interface Member {
  readonly name: string;
  readonly packed: Uint8Array;
  readonly method: number;
  readonly crc: number;
  readonly size: number;
}

const stored = (name: string, bytes: Uint8Array): Member => ({
  name,
  packed: bytes,
  method: 0,
  crc: crc32(bytes),
  size: bytes.byteLength,
});
const deflated = (name: string, bytes: Uint8Array): Member => ({
  ...stored(name, bytes),
  packed: deflateRawSync(bytes),
  method: 8,
});

/** With zip64 records throughout, as writers of unknown sizes leave them. */
function zip64(members: readonly Member[]): Buffer {
  const locals: Buffer[] = [];
  const entries: Buffer[] = [];
  let at = 0;
  for (const { name, packed, method, crc, size } of members) {
    const title = Buffer.from(name);
    const local = Buffer.alloc(30);
    local.write('PK\x03\x04');
    local.writeUInt16LE(method, 8);
    local.writeUInt16LE(title.byteLength, 26);
    const extra = Buffer.alloc(28);
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(24, 2);
    extra.writeBigUInt64LE(BigInt(size), 4);
    extra.writeBigUInt64LE(BigInt(packed.byteLength), 12);
    extra.writeBigUInt64LE(BigInt(at), 20);
    const entry = Buffer.alloc(46);
    entry.write('PK\x01\x02');
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(crc, 16);
    for (const field of [20, 24, 42]) entry.writeUInt32LE(0xffffffff, field);
    entry.writeUInt16LE(title.byteLength, 28);
    entry.writeUInt16LE(extra.byteLength, 30);
    entries.push(Buffer.concat([entry, title, extra]));
    locals.push(Buffer.concat([local, title, packed]));
    at += 30 + title.byteLength + packed.byteLength;
  }
  const directory = Buffer.concat(entries);
  const end64 = Buffer.alloc(56);
  end64.write('PK\x06\x06');
  end64.writeBigUInt64LE(BigInt(directory.byteLength), 40);
  end64.writeBigUInt64LE(BigInt(at), 48);
  const locator = Buffer.alloc(20);
  locator.write('PK\x06\x07');
  locator.writeBigUInt64LE(BigInt(at + directory.byteLength), 8);
  const end = Buffer.alloc(22, 0xff);
  end.write('PK\x05\x06');
  end.writeUInt16LE(0, 20);
  return Buffer.concat([...locals, directory, end64, locator, end]);
}

const refusal = (filename: string, bytes: Uint8Array) => reasonOf(inspect(filename, bytes));

describe('a zip', () => {
  const whole = zip64([deflated('a.py', SOURCE), stored('b.py', SOURCE), stored('empty.py', Buffer.alloc(0))]);

  it.each([1, 7, 64, 1_000_000])('of packed and plain members holds, %i bytes at a time', async (piece) => {
    await inspect('a-1.0-py3-none-any.whl', whole, { piece });
    await inspect('a-1.0-py3-none-any.whl', tinyWheel('a').bytes, { piece });
  });

  it('holds no more with one bit changed in any member', async () => {
    for (const at of [40, 60, whole.indexOf('b.py') + 100]) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await refusal('a-1.0.zip', changed)).toBe('digest');
    }
  });

  it('that calls a member otherwise in its directory is refused: tools would read different files', async () => {
    const changed = Buffer.from(whole);
    changed.write('c.py', 30);
    expect(await refusal('a-1.0.zip', changed)).toBe('format');
  });

  it('whose members overlap is refused, however small it is', async () => {
    const two = Buffer.from(
      zip([
        ['a.py', SOURCE],
        ['b.py', SOURCE],
      ]),
    );
    const entry = two.lastIndexOf('PK\x01\x02');
    two.writeUInt32LE(10, entry + 42);
    expect(await refusal('a-1.0.whl', two)).toBe('format');
  });

  it('whose members overlap by their headers alone is refused', async () => {
    const two = zip64([stored('a.py', SOURCE), stored('b.py', SOURCE)]);
    two.writeBigUInt64LE(BigInt(SOURCE.byteLength), two.lastIndexOf('b.py') + 4 + 20);
    expect(await refusal('a-1.0.whl', two)).toBe('format');
  });

  it('with a member that is not where its directory says, or whose header reaches beyond the end, is refused', async () => {
    const gone = Buffer.from(whole);
    gone.writeUInt32LE(0, 0);
    expect(await refusal('a-1.0.whl', gone)).toBe('format');
    const beyond = zip64([stored('a.py', SOURCE)]);
    beyond.writeUInt16LE(0xffff, 28);
    expect(await refusal('a-1.0.whl', beyond)).toBe('format');
  });

  it('with a member that is shorter than stated is refused, though its checksum is right', async () => {
    const short = { ...deflated('a.py', SOURCE), size: SOURCE.byteLength + 1 };
    expect(await refusal('a-1.0.whl', zip64([short]))).toBe('digest');
  });

  it('that is packed in another way, or encrypted, is refused', async () => {
    expect(await refusal('a-1.0.whl', zip64([{ ...stored('a.py', SOURCE), method: 12 }]))).toBe('format');
    const encrypted = Buffer.from(zip([['a.py', SOURCE]]));
    encrypted.writeUInt16LE(1, encrypted.lastIndexOf('PK\x01\x02') + 8);
    expect(await refusal('a-1.0.whl', encrypted)).toBe('format');
  });

  it('that unpacks to more than it states, or states more than any file may have, is refused', async () => {
    const bomb = deflated('a.py', Buffer.alloc(10_000_000));
    expect(await refusalOf(inspect('a-1.0.whl', zip64([{ ...bomb, size: 100 }])))).toMatchObject({
      reason: 'digest',
      message: expect.stringContaining('longer than its directory states'),
    });
    expect(await refusal('a-1.0.whl', zip64([{ ...bomb, size: 2 ** 40 }]))).toBe('limit');
  });

  it('whose directory is damaged, cut, or nowhere is refused', async () => {
    const plain = Buffer.from(zip([['a.py', SOURCE]]));
    expect(await refusal('a-1.0.egg', plain.subarray(0, -1))).toBe('format');
    expect(await refusal('a-1.0.egg', Buffer.alloc(0))).toBe('format');
    const damaged = Buffer.from(plain);
    damaged.writeUInt32LE(0, damaged.lastIndexOf('PK\x01\x02'));
    expect(await refusal('a-1.0.egg', damaged)).toBe('format');
    const beyond = Buffer.from(plain);
    beyond.writeUInt32LE(2 ** 31, beyond.lastIndexOf('PK\x05\x06') + 16);
    expect(await refusal('a-1.0.egg', beyond)).toBe('format');
  });

  it('a wheel has the digests that its RECORD states', async () => {
    const record = (line: string) =>
      zip([
        ['a.py', SOURCE],
        [RECORD, Buffer.from(`${line}\n${RECORD},,\n`)],
      ]);
    await inspect('a-1.0-py3-none-any.whl', record(`a.py,sha256=${digest(SOURCE)},${SOURCE.byteLength}`));
    expect(await refusal('a-1.0-py3-none-any.whl', record(`a.py,sha256=${digest(RECORD_OF_OTHERS)},1`))).toBe('digest');
    expect(await refusal('a-1.0-py3-none-any.whl', record(`b.py,sha256=${digest(SOURCE)},1`))).toBe('digest');
  });
});

const RECORD_OF_OTHERS = Buffer.from('other');

it('RECORD is CSV: names in quotes hold commas and quotes', () => {
  const members = new Map([['a, "b".py', createHash('sha256').update(SOURCE).digest('hex')]]);
  const line = (name: string) => `"${name}",sha256=${digest(SOURCE)},1\r\n`;
  expect(() => checkRecord(line('a, ""b"".py'), members)).not.toThrow();
  expect(() => checkRecord(line('a, b.py'), members)).toThrow(/which is not in it/);
});

describe('an sdist', () => {
  const sdist = gzipSync(SOURCE);

  it('holds by the CRC of its gzip, and not with one bit changed, nor cut', async () => {
    await inspect('a-1.0.tar.gz', sdist, { piece: 3 });
    await inspect('a-1.0.tgz', sdist);
    for (const at of [12, sdist.byteLength - 7, sdist.byteLength - 2]) {
      const changed = Buffer.from(sdist);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await refusal('a-1.0.tar.gz', changed)).toBe('digest');
    }
    expect(await refusal('a-1.0.tar.gz', sdist.subarray(0, -3))).toBe('digest');
    expect(await refusal('a-1.0.tar.gz', Buffer.from('no gzip'))).toBe('digest');
  });

  it('of a kind without checksums has nothing to be held to, but MD5 and SHA-1 of its page', async () => {
    const hash = (name: 'md5' | 'sha1') => createHash(name).update(SOURCE).digest('hex');
    const weak = new Map([
      ['md5', hash('md5')],
      ['sha1', hash('sha1')],
    ] as const);
    await inspect('a-1.0.tar.bz2', SOURCE, { weak });
    const other = new Map([['sha1', hash('sha1').replace(/./, (digit) => (digit === '0' ? '1' : '0'))]] as const);
    expect(await reasonOf(inspect('a-1.0.tar.bz2', SOURCE, { weak: other }))).toBe('digest');
  });
});

it('what one file did wrong is nothing to the next', async () => {
  const results = await Promise.all([
    refusal('a-1.0.tar.gz', Buffer.from('no gzip')),
    inspect('a-1.0.tar.gz', gzipSync(SOURCE)),
    refusal('a-1.0.whl', Buffer.from('no zip')),
  ]);
  expect(results).toEqual(['digest', undefined, 'format']);
});

describe('files that Python runs at each start', () => {
  const startup = (filename: string, bytes: Uint8Array) =>
    work.startupFiles(
      {
        filename,
        size: bytes.byteLength,
        read: ({ start, end }, write) => write(bytes.subarray(start, end)),
      },
      client(),
    );

  it('are found in the directory of a wheel, zip64 or not', async () => {
    const members = [stored('alpha.py', SOURCE), stored('evil.pth', SOURCE), stored(RECORD, SOURCE)];
    expect(await startup('a-1.0-py3-none-any.whl', zip64(members))).toEqual(['evil.pth']);
    const plain = zip(members.map(({ name, packed }) => [name, packed]));
    expect(await startup('a-1.0-py3-none-any.whl', plain)).toEqual(['evil.pth']);
    expect(await startup('a-1.0-py3-none-any.whl', tinyWheel('a').bytes)).toEqual([]);
  });

  it('are looked for in no other file, and in none that is damaged', async () => {
    expect(await reasonOf(startup('a-1.0.tar.gz', SOURCE))).toBe('format');
    expect(await reasonOf(startup('a-1.0-py3-none-any.whl', SOURCE))).toBe('format');
  });
});
