import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { startFakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// A disk that is really full, at one step of the work or another: how large it is decides at which.

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const GENEROUS = 600_000;
/** Small ones, which lie in a database, and files. */
const WHEELS = Array.from({ length: 24 }, (_, at) => tinyWheel('alpha', `${at + 1}.0`, 'x'.repeat(at * 9000)));
const BYTES = WHEELS.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
/** Of a disk: from one that has no room for an empty directory's databases to one that takes nearly all. KiB. */
const DISKS = [64, 128, 512, 1024, 2600, 4200];
const ROOMY = 256 * 1024;

/** Mounts a disk of SIZE, and runs it twice, with room the second time; then every stored byte is proved. Says how each ended. */
const SCRIPT = `
mount -t tmpfs -o mode=700,size="$SIZE"k none "$DISK" || exit 9
sync() { "$NODE" "$MAIN" sync --project alpha --data "$DISK/data" --yes --json --upstream "$UPSTREAM" --file-host "$FILES" 2>"$SAID" | tail -n 1; }
echo "$(sync)"; tr '\\n' ' ' < "$SAID"; echo
mount -o remount,size=${ROOMY}k "$DISK" || exit 9
echo "$(sync)"; tr '\\n' ' ' < "$SAID"; echo
"$NODE" "$MAIN" verify --data "$DISK/data" --json --upstream "$UPSTREAM" --file-host "$FILES" >"$SAID" 2>&1; echo $?
`;

/** Says so, loudly, where no disk can be mounted. */
function canMount(): boolean {
  const { status } = spawnSync('unshare', ['--map-root-user', '--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']);
  if (status === 0) return true;
  process.stderr.write('NOT TRIED: a disk that is really full, because unshare cannot mount one here.\n');
  return false;
}

/** The last line it printed: how it stood, or, where it came to its end, the report. */
interface Reported {
  readonly event: string;
  readonly fetched: number;
  readonly held: number;
  readonly failed: number;
  readonly refused: readonly { readonly why: string }[];
}

it.runIf(canMount())(
  'nothing that a full disk did not take is said to be held, what it took stays, and with room the same command comes to its end',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'verbatim-full-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const pypi = await startFakePypi();
    onTestFinished(() => pypi.close());
    for (const wheel of WHEELS) pypi.upload('alpha', wheel);
    const short: number[] = [];
    for (const size of DISKS) {
      const env = {
        ...process.env,
        SIZE: String(size),
        DISK: await mkdtemp(join(directory, 'disk-')),
        SAID: join(directory, `said-${size}`),
        NODE: process.execPath,
        MAIN,
        UPSTREAM: `${pypi.url}simple/`,
        FILES: `127.0.0.1:${pypi.files.port}`,
      };
      const { stdout } = await run('unshare', ['--map-root-user', '--mount', 'sh', '-c', SCRIPT], { env });
      const [first = '', why = '', then = '', whyThen = '', verified] = stdout.split('\n');
      const before = first === '' ? undefined : (JSON.parse(first) as Reported);
      expect(whyThen.trim()).toBe('');
      const after = JSON.parse(then) as Reported;
      // What it said to have fetched was there when it was run again.
      expect(after).toMatchObject({ failed: 0, refused: [] });
      expect(after.held).toBeGreaterThanOrEqual(before?.fetched ?? 0);
      expect(after.held + after.fetched).toBe(WHEELS.length);
      expect(verified).toBe('0');
      if (before?.fetched === WHEELS.length) continue;
      short.push(size);
      const isReport = before?.event === 'report';
      const told = isReport ? before.refused.map((each) => each.why) : [why];
      if (isReport && before.held === 0) expect(told.length).toBeGreaterThan(0);
      for (const each of told) expect(each).toMatch(/is full|has no room|no space left|nothing is sure/);
    }
    // Most of the disks were too small for all of it.
    expect(BYTES).toBeGreaterThan(2_000_000);
    expect(short.length).toBeGreaterThanOrEqual(DISKS.length / 2);
  },
  GENEROUS,
);
