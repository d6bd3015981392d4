import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as environments from '../support/environments.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { requirePart } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim } from '../support/verbatim.ts';
import { newPlace, pipInstall, uv } from './installers.ts';

// Of an index that states no upload-times the age limits of clients take nothing, or stop. Where the mirror announces its first sights, they work.

const pipBin = await environments.pipOfToday();
const uvBin = await environments.uv();
const WHEEL = tinyWheel('mill', '1.0');
const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

let scratch: string;
let pypi: FakePypi;
const servers: RunningVerbatim[] = [];
/** Simple addresses of a mirror that announces first sights, and of one that does not. */
let announcing: string;
let silent: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'verbatim-first-sights-'));
  pypi = await startFakePypi();
  pypi.upload('mill', WHEEL);
  pypi.drop('mill', WHEEL.filename, 'upload-time');
  const serve = async (times: string) => {
    const file = join(scratch, `${times}.yaml`);
    const hosts = `file_hosts: ["${pypi.files.url.replace(/\/$/, '')}"]`;
    const policy = `policy: { missing_upload_time: ${times} }`;
    await writeFile(
      file,
      `indexes:\n  main: { upstream: "${pypi.url}simple/", evidence: index, ${hosts}, ${policy} }\n`,
    );
    const server = await startVerbatim(['--config', file], join(scratch, times));
    servers.push(server);
    return server.simple;
  };
  announcing = await serve('first-sight');
  silent = await serve('omit');
}, 240_000);
afterAll(async () => {
  for (const server of servers) await server.close();
  await pypi.close();
  await rm(scratch, { recursive: true, force: true });
});

const outcome = (work: Promise<string>) =>
  work.then(
    () => 'installed',
    () => 'refused',
  );

describe.runIf(requirePart('uv', uvBin))('uv --exclude-newer', { timeout: 240_000 }, () => {
  const install = async (simple: string, before: string) => {
    const place = await newPlace(scratch);
    const args = ['pip', 'install', 'mill', '--default-index', simple, '--exclude-newer', before];
    return outcome(uv(uvBin ?? '', place, [...args, '--target', place.target]));
  };

  it('takes what was first seen before that time, and nothing that was first seen later', async () => {
    expect(await install(announcing, day(1))).toBe('installed');
    expect(await install(announcing, day(-1))).toBe('refused');
  });

  it('takes nothing of the same index where no time is announced', async () => {
    expect(await install(silent, day(1))).toBe('refused');
  });
});

describe.runIf(requirePart('pip', pipBin))('pip --uploaded-prior-to', { timeout: 240_000 }, () => {
  const install = async (simple: string, before: string) => {
    const args = ['mill', '--index-url', simple, '--uploaded-prior-to', before];
    return outcome(pipInstall(pipBin ?? '', await newPlace(scratch), args));
  };

  it('takes what was first seen before that time, and nothing that was first seen later', async () => {
    expect(await install(announcing, day(1))).toBe('installed');
    expect(await install(announcing, day(-1))).toBe('refused');
  });

  it('takes nothing of the same index where no time is announced', async () => {
    expect(await install(silent, day(1))).toBe('refused');
  });
});
