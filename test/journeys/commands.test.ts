import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim, verbatimTold } from '../support/verbatim.ts';

// What the program does from outside: its commands, its two ports, and the sentences in which it refuses to start.

const ALPHA = tinyWheel('alpha');

let directory: string;
let pypi: FakePypi;
const running: RunningVerbatim[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-commands-'));
  pypi = await startFakePypi();
  pypi.upload('alpha', ALPHA);
});
afterEach(async () => {
  for (const each of running.splice(0)) await each.close();
  await pypi.close();
  await rm(directory, { recursive: true });
});

const upstream = () => ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
const serve = async (...flags: readonly string[]) => {
  const started = await startVerbatim([...upstream(), ...flags]);
  running.push(started);
  return started;
};
const basic = (name: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});

describe('verbatim serve', () => {
  it('says in one sentence that its port is taken, and ends', async () => {
    const first = await serve();
    const { port } = new URL(first.simple);
    const data = join(directory, 'data');
    const { code, stdout, stderr } = await verbatim('serve', ...upstream(), '--data', data, '--port', port);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`Port ${port} on 127.0.0.1 is taken`);
    expect(stderr).not.toContain('    at ');
  });

  it('shows its metrics on a port of their own, and there alone', async () => {
    const mirror = await serve('--admin-port', '0');
    await (await fetch(`${mirror.simple}alpha/`)).text();
    const metrics = await (await fetch(mirror.metrics ?? '')).text();
    expect(metrics).toMatch(/^verbatim_served_total\{.*kind="page".*\} 1$/m);
    expect((await fetch(new URL('/metrics', mirror.simple))).status).toBe(404);
    expect((await fetch(new URL('/simple/', mirror.metrics))).status).toBe(404);
  });

  it('lets in who has a password or a token that hash-password wrote down', async () => {
    const user = await verbatimTold('a secret of ours\n', 'hash-password', 'ann');
    const token = await verbatim('hash-password', 'ci', '--token');
    expect(user.stdout).toMatch(/^ann:scrypt\$\d+\$\d+\$\d+\$[\w-]+\$[\w-]+\n$/);
    const secret = /verbatim-[\w-]+/.exec(token.stderr)?.[0] ?? '';
    expect(token.stdout).toBe(`ci:${createHash('sha256').update(secret).digest('hex')}\n`);
    await writeFile(join(directory, 'users'), user.stdout);
    await writeFile(join(directory, 'tokens'), token.stdout);
    const config = join(directory, 'verbatim.yaml');
    const auth = { htpasswd: 'users', tokens: 'tokens' };
    await writeFile(config, JSON.stringify({ server: { auth }, indexes: {} }));
    const mirror = await serve('--config', config);
    const page = (headers: Record<string, string> = {}) => fetch(`${mirror.simple}alpha/`, { headers });
    expect((await page()).status).toBe(401);
    expect((await page(basic('ann', 'another'))).status).toBe(401);
    expect((await page(basic('ann', 'a secret of ours'))).status).toBe(200);
    expect((await page({ authorization: `Bearer ${secret}` })).status).toBe(200);
  });
});

describe('verbatim hash-password', () => {
  it.each([
    ['a name with a colon', 'a:b', 'secret\n'],
    ['no password', 'ann', '\n'],
    ['nothing at all', 'ann', ''],
  ])('refuses %s', async (_, name, input) => {
    expect(await verbatimTold(input, 'hash-password', name)).toMatchObject({ code: 1, stdout: '' });
  });
});

describe('verbatim explain and status', () => {
  const asked = (...args: readonly string[]) => verbatim(...args, ...upstream(), '--data', join(directory, 'data'));
  beforeEach(async () => {
    const mirror = await startVerbatim(upstream(), join(directory, 'data'));
    await (await fetch(`${mirror.simple}alpha/`)).text();
    await mirror.close();
  });

  it('tell in words what nobody signed, and how the index does', async () => {
    const explained = await asked('explain', ALPHA.filename);
    expect(explained).toMatchObject({ code: 0, stderr: '' });
    expect(explained.stdout).toContain('Nobody signed it.');
    const { stdout } = await asked('status');
    expect(stdout).toContain(`main: mirrors ${pypi.url}simple/`);
    expect(stdout).toContain('evidence: index');
  });

  it('end with 1 and a sentence for what is not there', async () => {
    expect(await asked('explain', 'absent')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Nothing of absent is held'),
    });
    expect(await asked('explain', 'alpha', '--index', 'other')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No index called other is configured.'),
    });
  });
});
