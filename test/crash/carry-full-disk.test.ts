import { execFile, spawnSync } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { verbatim } from '../support/verbatim.ts';

// A disk that is really full, of bytes or of names, at one step of an export or an import or another: how much room it has decides at which.

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const GENEROUS = 600_000;
/** Small ones, which lie in a database, and files. */
const WHEELS = Array.from({ length: 24 }, (_, at) => tinyWheel('alpha', `${at + 1}.0`, 'x'.repeat(at * 9000)));

/** Whether a disk can be mounted here. Throws where CI cannot. */
function canMount(): boolean {
  const { status, stderr } = spawnSync(
    'unshare',
    ['--map-root-user', '--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'],
    {
      encoding: 'utf8',
    },
  );
  if (status === 0) return true;
  const why = `unshare --map-root-user --mount cannot mount a disk here, which takes user namespaces: ${stderr}`;
  if (process.env['CI'] !== undefined) throw new Error(`CI must not skip tests: ${why}`);
  process.stderr.write(`NOT TRIED: exports and imports on a disk that is really full: ${why}\n`);
  return false;
}

let folder: string;
let pypi: FakePypi;
/** Of the site outside, and its bundle as nothing disturbed it. */
let outside: string;
let reference: string;
let upstream: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-full-carry-'));
  pypi = await startFakePypi();
  for (const wheel of WHEELS) pypi.upload('alpha', wheel);
  upstream = ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
  outside = join(folder, 'outside');
  reference = join(folder, 'reference.tar');
  const synced = await verbatim('sync', '--project', 'alpha', '--yes', ...upstream, '--data', outside);
  expect(synced).toMatchObject({ code: 0 });
  await verbatim('keygen', join(folder, 'key'));
  await cp(outside, join(folder, 'reference'), { recursive: true });
  const made = await verbatim('export', reference, ...exporting(join(folder, 'reference')));
  expect([made.code, made.stderr]).toEqual([0, '']);
}, GENEROUS);
afterAll(async () => {
  await pypi.close();
  await rm(folder, { recursive: true });
});

const exporting = (data: string) => ['--key', join(folder, 'key'), ...upstream, '--data', data];

interface Disk {
  /** As mount(8) takes them. */
  readonly options: string;
  /** The first is run on the full disk; `after` once it has room. Lines of a shell, whose output is what comes of this. */
  readonly first: string;
  readonly after: string;
}

/** The lines of both, on a disk at $DISK. `$V` is this program; `said` prints an exit code and what was said, in one line. */
async function onDisk({ options, first, after }: Disk): Promise<readonly string[]> {
  const script = `
mount -t tmpfs -o ${options} none "$DISK" || exit 9
V="$NODE $MAIN"
said() { "$@" >"$SAID" 2>&1; echo "$? $(tr '\n' ' ' < "$SAID")"; }
${first}
mount -o remount,size=300m,nr_inodes=0 "$DISK" || exit 9
${after}`;
  const DISK = await mkdtemp(join(folder, 'disk-'));
  const env = { ...process.env, DISK, SAID: `${DISK}-said`, NODE: process.execPath, MAIN, OUTSIDE: outside };
  const { stdout } = await run('unshare', ['--map-root-user', '--mount', 'sh', '-c', script], { env });
  return stdout.trimEnd().split('\n');
}

describe.runIf(canMount())('a disk that is full', () => {
  it.each([
    [
      'of bytes',
      'size=512k',
      /^1 .*has \d+ bytes free, and the bundle takes \d+: nothing of it was left there\. Make room/,
    ],
    ['before its directory', 'size=300m,nr_inodes=1', /^1 .*is full: nothing of it was left there\. Make room/],
    ['before its file', 'size=300m,nr_inodes=2', /^1 .*is full: nothing of it was left there\. Make room/],
  ])(
    '%s where a bundle is written to: nothing is left, and with room the same command makes the same bytes',
    async (_, options, words) => {
      const data = await mkdtemp(join(folder, 'data-'));
      await cp(outside, data, { recursive: true });
      const command = `said $V export "$DISK/b.tar" ${exporting(data).join(' ')}`;
      const [refused = '', left = '', made = '', same] = await onDisk({
        options,
        first: `${command}; echo "left:$(ls -A "$DISK" | wc -l)"`,
        after: `${command}; cmp "$DISK/b.tar" ${reference} && echo same`,
      });
      expect(refused).toMatch(words);
      expect(left).toBe('left:0');
      expect(made).toMatch(/^0 .*Made bundle 1 of main/);
      expect(same).toBe('same');
    },
    GENEROUS,
  );

  it.each([0, 48])(
    'and has room for %i KiB of what is remembered of a bundle: no number is taken',
    async (room) => {
      const to = await mkdtemp(join(folder, 'to-'));
      const command = `said $V export ${join(to, 'b.tar')} ${exporting('$DISK/data').join(' ')}`;
      const [refused = '', left = '', made = '', same] = await onDisk({
        options: 'size=300m',
        first: `cp -r "$OUTSIDE" "$DISK/data"; mount -o remount,size=$(( $(du -sk "$DISK" | cut -f1) + ${room} ))k "$DISK"
${command}; echo "left:$(ls -A ${to} | wc -l)"`,
        after: `${command}; cmp ${join(to, 'b.tar')} ${reference} && echo same`,
      });
      expect(refused).toMatch(/^1 .*(data directory .* is full|no room|disk is full).*Make room/);
      expect(left).toBe('left:0');
      expect(made).toMatch(/^0 .*Made bundle 1 of main/);
      expect(same).toBe('same');
    },
    GENEROUS,
  );

  it(
    'at any step of an import: nothing of it is served, and with room the same command brings every byte',
    async () => {
      const config = join(folder, 'inside.yaml');
      const write = (data: string, to: string) =>
        writeFile(
          to,
          `data: ${data}\nindexes:\n  main:\n    evidence: index\n    import:\n      keys: [{ name: outside, ed25519_file: ${join(folder, 'key.pub')} }]\n`,
        );
      await write(join(folder, 'inside'), config);
      const whole = await verbatim('import', reference, '--config', config);
      expect([whole.code, whole.stderr]).toEqual([0, '']);
      await verbatim('receipt', join(folder, 'receipt'), '--config', config);
      let midway = 0;
      for (const options of [
        'size=512k',
        'size=20m',
        ...[12, 16, 27, 38].map((names) => `size=300m,nr_inodes=${names}`),
      ]) {
        const command = 'said $V import "$REF" --config "$CONFIG"';
        const [refused = '', asked = '', imported = '', verified = '', same] = await onDisk({
          options,
          first: `REF=${reference}; CONFIG="$SAID.yaml"
sed "s#^data:.*#data: $DISK/data#" ${config} > "$CONFIG"
${command}`,
          after: `said $V explain alpha --config "$CONFIG"; ${command}; said $V verify --config "$CONFIG"
$V receipt "$SAID.receipt" --config "$CONFIG" >/dev/null 2>&1; cmp "$SAID.receipt" ${join(folder, 'receipt')} && echo same`,
        });
        const isWhole = refused.startsWith('0 ');
        if (!isWhole) {
          midway++;
          expect([options, refused]).toEqual([
            options,
            expect.stringMatching(/^1 .*(Make room|Ask the operator to look)/),
          ]);
          expect(asked).toMatch(/^1 .*Nothing of alpha is held/);
        }
        expect([options, imported]).toEqual([
          options,
          expect.stringMatching(/^0 (.* left )?imported( before)?: bundle 1 of main/),
        ]);
        expect([options, verified.slice(0, 2)]).toEqual([options, '0 ']);
        expect([options, same]).toEqual([options, 'same']);
      }
      expect(midway).toBeGreaterThanOrEqual(4);
    },
    GENEROUS,
  );
});
