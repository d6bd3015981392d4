import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { canTrace } from '../crash/system-calls.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';

// What only asks changes nothing: not in the data directory, and not upstream.

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const ALPHA = tinyWheel('alpha');
const READING: readonly (readonly string[])[] = [
  ['status'],
  ['explain', 'alpha'],
  ['explain', ALPHA.filename],
  ['verify'],
  ['events', '--index', 'main'],
  ['who', ALPHA.filename],
];

let scratch: string;
let pypi: FakePypi;
/** What a server left behind that was asked for a page and a file, and saw the file go and come back. */
let left: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'verbatim-reading-'));
  left = join(scratch, 'left');
  pypi = await startFakePypi();
  pypi.upload('alpha', ALPHA);
  const server = await startVerbatim(upstream(), left);
  for (const path of ['alpha/', pypi.storedAt(ALPHA)]) await (await fetch(new URL(path, server.simple))).arrayBuffer();
  pypi.remove('alpha', ALPHA.filename);
  await verbatim('refresh', 'main', 'alpha', ...flags(left));
  pypi.upload('alpha', ALPHA);
  await verbatim('refresh', 'main', 'alpha', ...flags(left));
  await server.close();
});
afterAll(async () => {
  await pypi.close();
  await rm(scratch, { recursive: true });
});

let directory: string;
let data: string;
let server: RunningVerbatim | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(scratch, 'one-'));
  data = join(directory, 'data');
  await cp(left, data, { recursive: true, preserveTimestamps: true });
  requests = asked();
});
afterEach(async () => {
  await server?.close();
  server = undefined;
});

let requests: number;
const upstream = () => ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
const flags = (at = data) => [...upstream(), '--data', at];
const asked = () => pypi.index.requests.length + pypi.files.requests.length;
const serve = async () => {
  server = await startVerbatim(upstream(), data);
  // Upstream is asked what it is like.
  await (await fetch(`${server.simple}alpha/`)).arrayBuffer();
  await expect.poll(() => server?.log()).toContain('"event":"note"');
  requests = asked();
};
const kill = async () => {
  await serve();
  process.kill(server?.pid ?? 0, 'SIGKILL');
  await expect.poll(() => server?.alive()).toBe(false);
  server = undefined;
};

/** Every name in the data directory with its size and times; of the index that readers of a database share, its name alone. */
async function tree(at = data): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const name of [...(await readdir(at, { recursive: true })), '.'].sort()) {
    const { size, mtimeMs, uid, mode } = await stat(join(at, name));
    lines.push(name.endsWith('-shm') ? `${name} ${uid}` : `${name} ${size} ${mtimeMs} ${uid} ${mode}`);
  }
  return lines;
}

describe('commands that only ask', () => {
  it.each([
    ['a server that was stopped', async () => undefined],
    ['one that was killed', kill],
  ])('leave everything as it is after %s, and ask upstream nothing', async (_, end) => {
    await end();
    const before = await tree();
    for (const command of READING) {
      const { code, stdout, stderr } = await verbatim(...command, ...flags());
      expect([command, code, stderr]).toEqual([command, 0, '']);
      expect(stdout).not.toBe('');
      expect(await tree(), command.join(' ')).toEqual(before);
    }
    expect(asked()).toBe(requests);
  });

  it('make nothing beside a server that runs, and ask upstream nothing', async () => {
    const names = async () => (await readdir(data, { recursive: true })).sort();
    await serve();
    const before = await names();
    for (const command of READING) expect((await verbatim(...command, ...flags())).code, command.join(' ')).toBe(0);
    expect(await names()).toEqual(before);
    expect(asked()).toBe(requests);
  });

  it('explain by the index that lies at the root, wherever the configuration names it', async () => {
    const file = join(directory, 'two.yaml');
    const index = `{ upstream: "${pypi.url}simple/", evidence: index, file_hosts: ["${new URL(pypi.files.url).origin}"] }`;
    await writeFile(file, `indexes:\n  first: ${index}\n  main: ${index}\n`);
    const { stdout } = await verbatim('explain', 'alpha', '--config', file, '--data', data);
    expect(stdout).toContain('a project with 1 file');
  });

  it('end with 1 where there is nothing, and tell that from an index that there is not', async () => {
    const before = await tree();
    for (const [words, said] of [
      [['explain', 'absent'], 'Nothing of absent is held of the index main'],
      [['explain', 'alpha', '--index', 'other'], 'No index called other is configured'],
      [['who', 'absent.whl'], 'Nobody, as far back'],
      [['events', '--project', 'absent'], 'Nothing of the kind has been recorded'],
      [['events', '--index', 'other'], 'No index called other is configured'],
    ] as const) {
      const { code, stdout, stderr } = await verbatim(...words, ...flags());
      expect([words, code, stdout + stderr]).toEqual([words, 1, expect.stringContaining(said)]);
    }
    expect(await tree()).toEqual(before);
    const absent = join(directory, 'absent');
    for (const command of [['status'], ['explain', 'alpha'], ['verify']]) {
      const { code, stdout, stderr } = await verbatim(...command, ...flags(absent));
      expect([command, code, stdout]).toEqual([command, 1, '']);
      expect(stderr).toContain(`There is no data directory ${absent}`);
    }
    expect(await readdir(directory)).toEqual(['data']);
    expect(asked()).toBe(requests);
  });

  it('read a data directory that is named by a link', async () => {
    const link = join(directory, 'link');
    await symlink(data, link);
    expect((await verbatim('explain', 'alpha', ...flags(link))).stdout).toContain('a project with 1 file');
  });

  it.runIf(canTrace())('open no socket but that of a server', async () => {
    await serve();
    for (const command of READING) {
      const trace = join(directory, 'trace');
      const words = ['-f', '-e', 'trace=socket', '-o', trace, process.execPath, MAIN, ...command, ...flags()];
      await promisify(execFile)('strace', words);
      const opened = (await readFile(trace, 'utf8')).match(/socket\(\w+/g) ?? [];
      expect([...new Set(opened)], command.join(' ')).toEqual(command[0] === 'status' ? ['socket(AF_UNIX'] : []);
    }
  });
});

/** Who owns nothing here. */
const NOBODY = 65_534;
const STRANGER = 65_533;

/** `verbatim ARGS` as another user; only the superuser may do that. */
function as(uid: number, ...args: readonly string[]) {
  return spawn(process.execPath, [MAIN, ...args], { uid, gid: uid, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function ended(child: ReturnType<typeof as>) {
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = await once(child, 'close');
  return { code, said: Buffer.concat(chunks).toString() };
}

describe.runIf(process.getuid?.() === 0)('the superuser, beside a server of another user', () => {
  const link = () => join(directory, 'link');
  beforeEach(async () => {
    await chmod(scratch, 0o755);
    await chown(directory, NOBODY, NOBODY);
    for (const name of ['.', ...(await readdir(data, { recursive: true }))])
      await chown(join(data, name), NOBODY, NOBODY);
    await symlink(data, link());
  });

  it('reads what lies there, and leaves it that user’s', async () => {
    const before = await tree();
    for (const command of READING)
      expect((await verbatim(...command, ...flags(link()))).code, command.join(' ')).toBe(0);
    expect(await tree()).toEqual(before);
  });

  it('has the server act, and a stranger may not', async () => {
    // By the superuser's link, as systemd has it.
    const child = as(NOBODY, 'serve', '--json', '--port', '0', ...flags(link()));
    const gone = once(child, 'close');
    try {
      await Promise.race([
        once(createInterface(child.stdout), 'line'),
        gone.then((end) => expect.fail(`it ended: ${end}`)),
      ]);
      expect((await verbatim('refresh', 'main', 'alpha', ...flags(link()), '--json')).stdout).toContain('"unchanged"');
      for (const command of READING)
        expect((await verbatim(...command, ...flags(link()))).code, command.join(' ')).toBe(0);
      expect(
        new Set(await Promise.all((await readdir(data, { recursive: true })).map((name) => ownerOf(name)))),
      ).toEqual(new Set([NOBODY]));
      const { code, said } = await ended(as(STRANGER, 'status', ...flags()));
      expect([code, said]).toEqual([1, expect.stringContaining('nor talk to a server on it')]);
    } finally {
      child.kill('SIGTERM');
      await gone;
    }
  });

  const ownerOf = async (name: string) => (await stat(join(data, name))).uid;
});
