import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pipOfToday, uv } from '../support/environments.ts';
import { startFakePypi } from '../support/fake-pypi.ts';
import { requirePart } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { verbatimWith } from '../support/verbatim.ts';

// What was synced is enough for a real installer, with no index but the mirror that asks nobody.

const ALPHA = tinyWheel('alpha', '1.0', '', ['beta', "colour; sys_platform == 'win32'"]);
const ALL = [ALPHA, tinyWheel('beta'), tinyWheel('colour')];
const bins = { pip: await pipOfToday(), uv: await uv() };

describe.each(['pip', 'uv'] as const)('%s', (installer) => {
  const bin = bins[installer];
  it.runIf(requirePart(installer, bin))('chooses from what is held, and says where something lacks', async () => {
    const pypi = await startFakePypi();
    const directory = await mkdtemp(join(tmpdir(), 'verbatim-offline-'));
    onTestFinished(async () => {
      await pypi.close();
      await rm(directory, { recursive: true });
    });
    for (const wheel of ALL) pypi.upload(wheel.project, wheel);
    const sync = (...words: readonly string[]) =>
      verbatimWith(
        { PATH: `${bin}:${process.env['PATH']}` },
        ...['sync', '--project', 'alpha', '--data', join(directory, 'data'), ...words],
        ...['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`],
      );
    expect((await sync('--env', '3.12/linux')).code).toBe(0);
    const asked = pypi.requests.length;
    const held = await sync('--env', '3.12/linux', '--check', '--resolver', installer);
    expect([held.code, held.stdout]).toEqual([0, 'held: 2 of 2 files\n']);
    // Nobody fetched what Windows needs besides.
    const lacks = await sync('--env', '3.12/windows', '--check', '--resolver', installer);
    expect(lacks.code).toBe(1);
    expect(pypi.requests.length).toBe(asked);
  });
});
