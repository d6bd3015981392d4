import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { blobPaths } from '../../../src/disk/blob-paths.ts';
import { FaultWalk, type Watched } from '../../rigs/fault-walk.ts';
import { LONGEST_WALK, PATIENCE } from '../../rigs/prometheus.ts';
import { type FakePypi, startFakePypi } from '../../support/fake-pypi.ts';
import { PROMETHEUS } from '../../support/promtool.ts';
import { requirePart } from '../../support/python.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';

// Bytes that are not what they were, a disk that is full and a machine that stands still, each of a mirror of its own.

/** Large enough to be a file of its own in the store. */
const wheel = (project: string, version: number) =>
  tinyWheel(project, `1.${version}`, String(version).padEnd(100_000, '.'));
const ALPHA = wheel('alpha', 0);
/** Ten of them fit, to the last twentieth; eleven do not. */
const LARGE = Array.from({ length: 12 }, (_, at) => wheel('large', at));
const ROOM = Math.max(...LARGE.map(({ bytes }) => bytes.byteLength)) * 10;

let walk: FaultWalk;
let pypi: FakePypi;
let refusing: Watched;
let damaged: Watched;
let full: Watched;
let slow: Watched;

beforeAll(async () => {
  walk = await FaultWalk.begin();
  pypi = await startFakePypi({ coreMetadata: false });
  pypi.upload('alpha', ALPHA);
  for (const large of LARGE) pypi.upload('large', large);
  const flags = ['--upstream', `${pypi.url}simple/`];
  const hosts = { serving: ['--file-host', `127.0.0.1:${pypi.files.port}`] };
  refusing = await walk.mirror('refusing', flags, hosts);
  damaged = await walk.mirror('damaged', flags, hosts);
  full = await walk.mirror('full', [...flags, '--max-bytes', `${ROOM}`], hosts);
  slow = await walk.mirror('slow', flags, hosts);
  for (const mirror of [damaged, slow]) expect(await mirror.ask(await mirror.fileOf('/simple/alpha/'))).toBe(200);
  await walk.watch();
});
afterAll(async () => {
  await walk.close();
  await pypi.close();
});

/** Other bytes under the same name, as a disk that fails leaves them. */
async function damage({ data }: Watched): Promise<void> {
  const path = blobPaths(data).blob(sha256Hex(ALPHA.bytes));
  const bytes = await vi.waitFor(() => readFile(path), PATIENCE);
  await rm(path);
  await writeFile(path, bytes.fill(7, 0, 20));
}

describe.runIf(requirePart('prometheus', PROMETHEUS))('a Prometheus that watches mirrors and their disks', () => {
  it(
    'tells of wrong bytes from upstream and from the disk, of a full disk and of a machine that stands still',
    async () => {
      const calls: (() => void)[] = [];
      await walk.through({
        alerts: [
          ['VerbatimRefusing', 'refusing'],
          ['VerbatimQuarantined', 'damaged'],
          ['VerbatimDiskFull', 'full'],
          ['VerbatimSlowHeld', 'slow'],
        ],
        also: [
          // What is wrong on a disk is refused, too.
          ['VerbatimRefusing', 'damaged'],
          // Whoever asks for refused bytes again at once is told 503, to come again.
          ['VerbatimErrors', 'refusing'],
        ],
        async strike() {
          const [alpha, files] = [
            await refusing.fileOf('/simple/alpha/'),
            await Promise.all(LARGE.map((_, at) => full.fileOf('/simple/large/', at))),
          ];
          await damage(damaged);
          // Found, set aside and fetched anew: the client has what it asked for.
          expect(await damaged.ask(alpha)).toBe(200);
          pypi.files.fault(pypi.storedAt(ALPHA), { kind: 'flip', at: 9 });
          expect(await refusing.ask(alpha)).toBe(403);
          let [turn, beat] = [0, 0];
          calls.push(
            refusing.meanwhile(() => refusing.ask(alpha)),
            full.meanwhile(() => full.ask(files[turn++ % files.length] ?? '')),
            slow.meanwhile(() => process.kill(slow.pid(), beat++ % 2 === 0 ? 'SIGSTOP' : 'SIGCONT')),
          );
        },
        async repair() {
          for (const call of calls) call();
          process.kill(slow.pid(), 'SIGCONT');
          pypi.heal();
          const quarantine = join(damaged.data, 'quarantine');
          for (const name of await readdir(quarantine)) await rm(join(quarantine, name), { recursive: true });
        },
      });
    },
    LONGEST_WALK,
  );
});
