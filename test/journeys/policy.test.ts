import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { onlyIndex } from '../../src/cli/policy/test-policy.ts';
import { makeScratch } from '../rigs/mirror.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startVerbatim, verbatim } from '../support/verbatim.ts';
import { askAnew } from '../support/workers.ts';

// A policy of an index, from its file to what clients see and what commands say of it.

const OLD = tinyWheel('alpha');
const NEW = tinyWheel('alpha', '2.0');
const JSON_PAGE = { accept: 'application/vnd.pypi.simple.v1+json' };

let directory: string;
let pypi: FakePypi;
beforeEach(async () => {
  directory = await makeScratch();
  pypi = await startFakePypi();
  pypi.upload('alpha', OLD);
  const yesterday = new Date(Date.now() - 86_400_000).toISOString();
  pypi.upload('alpha', { ...NEW, uploadTime: yesterday });
});
afterEach(async () => {
  await pypi.close();
  await rm(directory, { recursive: true, maxRetries: 20, retryDelay: 250 });
});

/** The configuration, and beside it a policy. */
async function written(policy: string | undefined): Promise<readonly string[]> {
  const file = join(directory, 'verbatim.yaml');
  const lines = [
    'server: { port: 0 }',
    `data: ${join(directory, 'data')}`,
    'indexes:',
    '  main:',
    `    upstream: ${pypi.url}simple/`,
    '    evidence: index',
    `    file_hosts: ["127.0.0.1:${pypi.files.port}"]`,
    ...(policy === undefined ? [] : ['    policy_file: policy.yaml']),
  ];
  await writeFile(file, lines.join('\n'));
  if (policy !== undefined) await writeFile(join(directory, 'policy.yaml'), policy);
  return ['--config', file];
}

async function fetched(policy: string | undefined) {
  const server = await startVerbatim(await written(policy), join(directory, 'data'));
  try {
    const url = new URL(server.simple).origin;
    const page: { readonly files: readonly { readonly filename: string }[] } = JSON.parse(
      await (await askAnew(`${url}/simple/alpha/`, JSON_PAGE)).text(),
    );
    const newer = await askAnew(new URL(pypi.storedAt(NEW), url).href);
    const text = Buffer.from(await newer.arrayBuffer()).toString('latin1');
    return { listed: page.files.map(({ filename }) => filename), status: newer.status, text, log: server.log() };
  } finally {
    await server.close();
  }
}

describe('a policy in a file', { timeout: 120_000 }, () => {
  it('holds back what is too young, and says so to clients, in the log and to explain', async () => {
    const { listed, status, text, log } = await fetched('minimum_age: 7d\n');
    expect(listed).toEqual([OLD.filename]);
    expect(status).toBe(403);
    expect(text).toContain('this mirror waits for 7 days: it is served from ');
    expect(log).toContain('minimum age');
    const { stdout } = await verbatim('explain', 'alpha', ...(await written('minimum_age: 7d\n')));
    expect(stdout).toContain(`The rule "minimum age" hides 1 file: ${NEW.filename} was uploaded at`);
  });

  it('is tried beforehand: what it would change, and would have refused of what was sent', async () => {
    const { listed, status } = await fetched(undefined);
    expect([listed, status]).toEqual([[OLD.filename, NEW.filename], 200]);
    const config = await written(undefined);
    const file = join(directory, 'new.yaml');
    await writeFile(file, 'minimum_age: 7d\n');
    const tested = await verbatim('policy', 'test', file, ...config, '--json');
    expect(JSON.parse(tested.stdout)).toMatchObject({
      index: 'main',
      pages: 1,
      changes: [{ project: 'alpha', file: NEW.filename, before: 'serve', after: 'hide', rule: 'minimum age' }],
    });
    const simulated = await verbatim('policy', 'simulate', file, '--since', '30d', ...config, '--json');
    expect(JSON.parse(simulated.stdout)).toMatchObject({
      index: 'main',
      sent: 1,
      unknown: 0,
      refused: [{ file: NEW.filename, rule: 'minimum age', why: expect.stringContaining('this mirror waits') }],
    });
    const lines = await verbatim('policy', 'test', file, ...config);
    expect(lines.stdout).toContain(`served -> hidden  alpha  ${NEW.filename}  [minimum age]`);
    const later = await verbatim('policy', 'simulate', file, '--since', '2099-01-01T00:00:00Z', ...config);
    expect(later.stdout).toContain('0 of 0 would have been refused');
  });

  it('is tried on no index that is not meant, or whose state cannot be used', async () => {
    const config = { indexes: {} } as const;
    const both = { main: undefined, other: undefined };
    expect(() => onlyIndex(config)).toThrow('Say which index is meant');
    expect(() => onlyIndex({ indexes: both })).toThrow('--index main or --index other');
    expect(onlyIndex({ indexes: { main: undefined } })).toBe('main');
    await fetched(undefined);
    const file = join(directory, 'new.yaml');
    await writeFile(file, 'minimum_age: 7d\n');
    await writeFile(join(directory, 'data', 'indexes', 'main', 'state', 'state.db'), 'no database'.repeat(1000));
    const tested = await verbatim('policy', 'test', file, ...(await written(undefined)));
    expect([tested.code === 0, tested.stdout]).toEqual([false, '']);
  });

  it('that cannot be read starts nothing and is not tried, and its line is named', async () => {
    const config = await written('names:\n  deny: ["*"]\n');
    const started = await verbatim('serve', ...config);
    expect(started.code).not.toBe(0);
    expect(started.stderr).toContain('policy.yaml line 2: names.deny.0: denies every name');
    const tested = await verbatim('policy', 'test', join(directory, 'policy.yaml'), ...(await written(undefined)));
    expect(tested.code).not.toBe(0);
    expect(tested.stderr).toContain('line 2');
  });
});
