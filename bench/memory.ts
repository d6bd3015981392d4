import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Repository } from '../src/repository/repository.ts';
import { ed25519Key } from '../src/repository/signing-keys.ts';
import { startUpstream } from '../test/support/upstream.ts';
import { rootOf, startMirror, withDirectory } from './support/index.ts';
import { childFile, residentMemory, start } from './support/processes.ts';
import { atMost, type Measure, mebibytes } from './support/table.ts';

const SIZE = 2_000_000_000;
const BLOCK = Buffer.alloc(1_000_000, 'verbatim ');
const SAMPLE_EVERY_MS = 20;

/** A file of 2 GB, cold and warm: how much memory the mirror takes over what it takes at rest. */
export const memory: Measure = (log) =>
  withDirectory(async (directory) => {
    const authority = { keys: [ed25519Key()], threshold: 1 };
    const repository = new Repository({
      authorities: { root: authority, timestamp: authority, snapshot: authority, targets: authority },
      now: () => Math.floor(Date.now() / 1000),
    });
    // Never whole in any memory: by its digest alone it is signed, and block by block it is sent.
    repository.role('targets').targets.set('big.bin', { length: SIZE, hashes: new Map([['sha256', digestOfAll()]]) });
    repository.addTarget('targets', 'small.bin', BLOCK);
    repository.publish();
    const upstream = await startUpstream({
      files: repository.files,
      handler({ url }, response) {
        if (url?.endsWith('.big.bin')) void send(response);
        else response.writeHead(404).end();
      },
    });
    const mirror = await startMirror(directory, upstream.url, rootOf({ repository }), { layout: 'plain' });
    const reader = start(process.execPath, [childFile('reader.ts')]);
    try {
      await reader.line();
      const read = async (name: string) => {
        reader.tell(`${mirror.url}tuf/targets/${name} 1`);
        await reader.line();
      };
      for (let i = 0; i < 10; i++) await read('small.bin');
      const idle = residentMemory(mirror.pid);
      if (idle === undefined) {
        log('*** This system does not say how much memory a process has: memory is NOT measured');
        return [];
      }
      const rows = [];
      for (const kind of ['cold', 'warm']) {
        log(`memory: a ${kind} file of 2 GB`);
        const most = await highest(mirror.pid, read('big.bin'));
        rows.push(
          atMost(
            `serving a 2 GB file, ${kind}: memory over idle`,
            most - idle,
            64,
            mebibytes,
            `idle ${mebibytes(idle)}`,
          ),
        );
      }
      return rows;
    } finally {
      await reader.stop();
      await mirror.stop();
      await upstream.close();
    }
  });

/** The most resident memory seen until the work is done. */
async function highest(pid: number, work: Promise<void>): Promise<number> {
  let most = 0;
  const sample = setInterval(() => {
    most = Math.max(most, residentMemory(pid) ?? 0);
  }, SAMPLE_EVERY_MS);
  try {
    await work;
  } finally {
    clearInterval(sample);
  }
  return most;
}

function digestOfAll(): string {
  const hash = createHash('sha256');
  for (let sent = 0; sent < SIZE; sent += BLOCK.length) hash.update(BLOCK);
  return hash.digest('hex');
}

async function send(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'Content-Length': SIZE });
  for (let sent = 0; sent < SIZE; sent += BLOCK.length)
    await new Promise<void>((resolve) => response.write(BLOCK, () => resolve()));
  response.end();
}
