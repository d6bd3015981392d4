import { describe, expect, it } from 'vitest';
import { wheelMetadata } from '../../../src/pypi/wheel.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';

const LIMIT = 1000;
const MIB = 1024 * 1024;
const DIRECTORY_ENTRY = 'PK\x01\x02';

/** The METADATA of a wheel after `lie` changed its entry in the zip's directory, and the most bytes read at once. */
async function read(lie: (entry: Buffer) => void) {
  const { bytes, coreMetadata } = tinyWheel('alpha');
  const local = Buffer.from(bytes).indexOf(DIRECTORY_ENTRY);
  // Room between the files and the directory for what it may claim.
  const file = Buffer.concat([bytes.subarray(0, local), Buffer.alloc(8 * MIB), bytes.subarray(local)]);
  for (let at = file.indexOf(DIRECTORY_ENTRY); at !== -1; at = file.indexOf(DIRECTORY_ENTRY, at + 1))
    if (file.toString('utf8', at + 46, at + 46 + file.readUInt16LE(at + 28)).endsWith('/METADATA'))
      lie(file.subarray(at));
  file.writeUInt32LE(local + 8 * MIB, file.lastIndexOf('PK\x05\x06') + 16);
  let most = 0;
  const part = async (from: number, to: number) => {
    most = Math.max(most, to - from);
    return file.subarray(from, to);
  };
  const metadata = await wheelMetadata(file.byteLength, part, LIMIT);
  return { metadata, coreMetadata, most };
}

describe('the METADATA of a wheel', () => {
  it('is found in its zip', async () => {
    const { metadata, coreMetadata } = await read(() => undefined);
    expect(metadata).toEqual(coreMetadata);
  });

  it.each([
    ['stored', 0],
    ['deflated', 8],
  ])('%s, of a packed size far past the limit, is not read into memory', async (_, method) => {
    const { metadata, most } = await read((entry) => {
      entry.writeUInt16LE(method, 10);
      entry.writeUInt32LE(4 * MIB, 20);
    });
    expect(metadata).toBeUndefined();
    expect(most).toBeLessThan(MIB);
  });

  it('stored, of a packed size other than its size, is none', async () => {
    const { metadata } = await read((entry) => entry.writeUInt32LE(entry.readUInt32LE(20) - 1, 20));
    expect(metadata).toBeUndefined();
  });
});
