import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';

// What an operator should know: said at the start, by status, in the log and in metrics, from one list.

const PAGE = 'application/vnd.pypi.simple.v1+json';
const SDIST = Buffer.from('an sdist');

let directory: string;
let upstream: TestUpstream;
let mirror: RunningVerbatim | undefined;
/** Seconds by which upstream's clock is behind. */
let behind = 0;

beforeEach(async () => {
  behind = 0;
  directory = await mkdtemp(join(tmpdir(), 'verbatim-conditions-'));
  upstream = await startUpstream({
    handler: (incoming, outgoing) => {
      const date = new Date(Date.now() - behind * 1000).toUTCString();
      if (incoming.url !== '/simple/demo/') return void outgoing.writeHead(404, { date }).end();
      const file = { filename: 'demo-1.0.tar.gz', url: '/f', hashes: { sha256: sha256Hex(SDIST) } };
      const page = JSON.stringify({ meta: { 'api-version': '1.1' }, name: 'demo', files: [file] });
      outgoing.writeHead(200, { date, 'content-type': PAGE, 'content-length': Buffer.byteLength(page) }).end(page);
    },
  });
});
afterEach(async () => {
  await mirror?.close();
  mirror = undefined;
  await upstream.close();
  await rm(directory, { recursive: true, force: true });
});

const at = (name: string) => join(directory, name);

async function start(settings: string, index = ''): Promise<RunningVerbatim> {
  await writeFile(
    at('verbatim.yaml'),
    `${settings}\nindexes: { main: { upstream: "${upstream.url}simple/", evidence: index, ${index} } }\n`,
  );
  mirror = await startVerbatim(
    ['--config', at('verbatim.yaml'), '--admin-port', '0', '--log-format', 'json'],
    at('data'),
  );
  return mirror;
}

/** What the log says of conditions. */
function logged(running: RunningVerbatim) {
  return running
    .log()
    .split('\n')
    .filter((line) => line.includes('"event":"condition"'))
    .map((line): { level: string; what: string; state: string } => JSON.parse(line))
    .map(({ level, what, state }) => `${level} ${what} ${state}`);
}

async function series(running: RunningVerbatim): Promise<readonly string[]> {
  const text = await (await fetch(running.metrics ?? '')).text();
  return text.split('\n');
}

describe('what an operator should know', () => {
  it('is said by the log, by status and by metrics alike, and a mended secret is said to be so', async () => {
    await writeFile(at('seal.key'), 'a secret of sixteen bytes');
    await chmod(at('seal.key'), 0o644);
    const running = await start('seal_key_file: seal.key\noffline: true', 'stale_if_error: forever');
    const expected = ['offline', 'first-sight', 'stale-forever', 'exposed-secret'];
    await expect
      .poll(() => logged(running))
      .toEqual([
        'info offline begins',
        'info first-sight begins',
        'info stale-forever begins',
        'warn exposed-secret begins',
      ]);
    const { stdout } = await verbatim('status', '--config', at('verbatim.yaml'), '--data', at('data'), '--json');
    const found: readonly { what: string }[] = JSON.parse(stdout).conditions;
    expect(found.map(({ what }) => what)).toEqual(expected);
    const text = (await verbatim('status', '--config', at('verbatim.yaml'), '--data', at('data'))).stdout;
    expect(text).toContain(`exposed-secret: Everybody on this machine may read ${at('seal.key')} (seal_key_file)`);
    expect(await series(running)).toContain('verbatim_condition{what="exposed-secret",index=""} 1');

    await chmod(at('seal.key'), 0o600);
    process.kill(running.pid, 'SIGHUP');
    await expect.poll(() => logged(running).at(-1)).toBe('info exposed-secret over');
    expect((await series(running)).join('\n')).not.toContain('what="exposed-secret",index=""} 1\n');
  });

  it('is a clock that differs from upstream’s, as soon as a look finds it', async () => {
    behind = 4000;
    const running = await start('');
    const page = await fetch(`${running.simple}demo/`);
    expect(page.status).toBe(200);
    await page.arrayBuffer();
    process.kill(running.pid, 'SIGHUP');
    await expect.poll(() => logged(running)).toContain('warn clock begins');
    const ahead = (await series(running)).find((line) => line.startsWith('verbatim_clock_ahead_seconds{index="main"}'));
    expect(Math.abs(Number(ahead?.split(' ')[1]) - 4000)).toBeLessThan(100);
  });

  it('is a disk with less than the limit free', async () => {
    const running = await start('cache: { warn_free_bytes: 900000 TB }');
    await expect.poll(() => logged(running)).toContain('warn disk begins');
    const free = (await series(running)).find((line) => line.startsWith('verbatim_disk_free_bytes '));
    expect(Number(free?.split(' ')[1])).toBeGreaterThan(0);
  });
});

describe('the alert that something is to be known', () => {
  it('stays quiet on a mirror that nobody asks', async () => {
    const rules = await readFile(new URL('../../config/alerts.rules.yml', import.meta.url), 'utf8');
    const watched = /alert: VerbatimToKnow\n[\s\S]*?what=~"([^"]+)"/.exec(rules)?.[1];
    expect(watched?.split('|').length).toBeGreaterThan(5);
    const running = await start('', 'undigested: withhold');
    const exposed = await series(running);
    expect(exposed.join('\n')).toContain('# TYPE verbatim_condition ');
    const standing = exposed.filter((line) => new RegExp(`^verbatim_condition\\{what="(${watched})"`).test(line));
    expect(standing).toEqual([]);
  });
});
