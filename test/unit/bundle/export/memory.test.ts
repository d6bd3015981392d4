import { createHash } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { type ExportRequest, exportBundle } from '../../../../src/bundle/export/export.ts';
import { type HeldItem, NotCarried } from '../../../../src/bundle/export/held.ts';
import type { BundleOutput, ExportHistory, GrowingFile, NewBundle } from '../../../../src/bundle/export/places.ts';

// What an export takes of memory does not grow with what it carries.

const MIB = 1024 * 1024;
const FILE_BYTES = 64 * MIB;
const FILES = 32;
/** Beyond what the process has before: buffers of a chunk, and what the collector has not come to. */
const MOST_MORE = 150 * MIB;

const block = Buffer.alloc(MIB, 'bytes of a wheel ');
let sha256s: readonly string[];
beforeAll(() => {
  sha256s = Array.from({ length: FILES }, (_, file) => {
    const hash = createHash('sha256').update(String.fromCharCode(file));
    hash.update(block.subarray(1));
    for (let at = MIB; at < FILE_BYTES; at += MIB) hash.update(block);
    return hash.digest('hex');
  });
});

async function* items(): AsyncGenerator<HeldItem> {
  for (const [at, sha256] of sha256s.entries()) {
    const name = `demo-${String(at).padStart(2, '0')}.whl`;
    yield { entry: { kind: 'file', project: 'demo', name, size: FILE_BYTES, sha256 } };
  }
}

/** Files that differ in their first byte. */
const storage: ExportRequest['storage'] = {
  open: async (sha256) => ({
    size: FILE_BYTES,
    version: '',
    read: async (into, position) => {
      for (let at = 0; at < into.byteLength; at++) {
        const from = (position + at) % MIB;
        at += block.copy(into, at, from) - 1;
      }
      if (position === 0) into[0] = sha256s.indexOf(sha256);
      return into.byteLength;
    },
    close: async () => {},
  }),
};

/** Keeps what is small, as a manifest is, and of a bundle its size alone. */
function memoryFile(keeps: boolean): GrowingFile {
  let bytes: Buffer = Buffer.alloc(0);
  let size = 0;
  return {
    get size() {
      return size;
    },
    async append(more) {
      if (keeps) bytes = Buffer.concat([bytes, more]);
      size += more.byteLength;
    },
    async write(more, position) {
      size = Math.max(size, position + more.byteLength);
    },
    settle: async () => {},
    read: async (into, position) => (keeps ? bytes.copy(into, 0, position) : into.byteLength),
  };
}

const made: NewBundle = {
  create: async () => memoryFile(true),
  scratch: async () => memoryFile(true),
  commit: async () => true,
  discard: async () => {},
};
const history: ExportHistory = {
  numbers: async () => [],
  open: async () => undefined,
  begin: async () => made,
  forget: async () => {},
};

it('an export of two gigabytes takes as little memory as a small one', async () => {
  const file = memoryFile(false);
  const output: BundleOutput = {
    isFile: true,
    create: async () => file,
    written: async () => file,
    commit: async () => 'nowhere',
    discard: async () => {},
  };
  const before = process.memoryUsage().rss;
  let most = before;
  let written = 0;
  await exportBundle(
    {
      index: { name: 'main', evidence: 'index', upstream: 'https://index.example/' },
      items: items(),
      notCarried: new NotCarried(),
      storage,
      history,
      keys: [],
      stateAt: async () => 1_800_000_000,
      selection: undefined,
      maxAgeDays: undefined,
      announced: [],
      since: undefined,
      pieceSize: undefined,
      onProgress: (at) => {
        most = Math.max(most, process.memoryUsage.rss());
        if (at.phase === 'writing') written = at.bytes;
      },
    },
    output,
  );
  expect(written).toBeGreaterThan(2 * 1024 * MIB);
  expect(most - before).toBeLessThan(MOST_MORE);
}, 180_000);
