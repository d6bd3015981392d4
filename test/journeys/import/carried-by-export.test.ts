import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FakePypi, startFakePypi } from '../../support/fake-pypi.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';
import { startVerbatim, verbatim } from '../../support/verbatim.ts';

// What one site exports, another takes in and serves, with nothing between them but files.

const ALPHA = tinyWheel('alpha');
const NEWER = tinyWheel('alpha', '2.0', 'x'.repeat(150_000));

let folder: string;
let pypi: FakePypi;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-carried-'));
  pypi = await startFakePypi();
  pypi.upload('alpha', ALPHA);
  await mkdir(join(folder, 'stick'));
  await verbatim('keygen', join(folder, 'key'));
  await writeFile(
    join(folder, 'inside.yaml'),
    `data: ${join(folder, 'inside')}\nindexes:\n  main:\n    evidence: index\n    import:\n      keys: [{ name: outside, ed25519_file: ${join(folder, 'key.pub')} }]\n`,
  );
});
afterAll(async () => {
  await pypi.close();
  await rm(folder, { recursive: true });
});

const outside = () => ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];

/** Fetched outside, exported, carried and taken in. */
async function carried(wheel: ReturnType<typeof tinyWheel>, ...words: readonly string[]): Promise<void> {
  const data = join(folder, 'outside');
  const server = await startVerbatim(outside(), data);
  await verbatim('refresh', 'main', 'alpha', ...outside(), '--data', data);
  for (const path of ['alpha/', pypi.storedAt(wheel), `${pypi.storedAt(wheel)}.metadata`])
    await (await fetch(new URL(path, server.simple))).arrayBuffer();
  await server.close();
  const place = ['export', join(folder, 'stick'), '--key', join(folder, 'key'), ...words];
  const made = await verbatim(...place, ...outside(), '--data', data, '--json');
  expect([made.code, made.stderr]).toEqual([0, '']);
  const { path } = JSON.parse(made.stdout);
  const files = (await readdir(path)).filter((name) => name.startsWith('bundle.tar')).reverse();
  const taken = await verbatim(
    'import',
    ...files.map((name) => join(path, name)),
    '--config',
    join(folder, 'inside.yaml'),
  );
  expect([taken.code, taken.stderr]).toEqual([0, '']);
}

it('a bundle, and an increment in pieces, arrive as they were sent', async () => {
  await carried(ALPHA);
  pypi.upload('alpha', NEWER);
  await carried(NEWER, '--since', '1', '--piece-size', '64KiB');
  const inside = await startVerbatim(['--config', join(folder, 'inside.yaml')], join(folder, 'inside'));
  try {
    const page = await (
      await fetch(`${inside.simple}alpha/`, { headers: { accept: 'application/vnd.pypi.simple.v1+json' } })
    ).json();
    const { files } = page as { readonly files: readonly { readonly filename: string; readonly url: string }[] };
    expect(files.map(({ filename }) => filename)).toEqual([ALPHA.filename, NEWER.filename]);
    for (const [at, wheel] of [ALPHA, NEWER].entries()) {
      const url = new URL(files[at]?.url ?? '', `${inside.simple}alpha/`);
      expect(Buffer.from(await (await fetch(url)).arrayBuffer())).toEqual(Buffer.from(wheel.bytes));
      expect(await (await fetch(`${url}.metadata`)).text()).toBe(Buffer.from(wheel.coreMetadata).toString());
    }
  } finally {
    await inside.close();
  }
});

it('a file whose page states no digest is carried by the one that was pinned outside, and the address is the same inside', async () => {
  const plain = await startFakePypi();
  try {
    const bare = tinyWheel('bare');
    plain.contents.set(`plain/${bare.filename}`, bare.bytes);
    plain.upload('bare', bare, { url: `${plain.files.url}plain/${bare.filename}`, hashes: {} });
    plain.drop('bare', bare.filename, 'size');
    plain.drop('bare', bare.filename, 'core-metadata');
    const own = ['--upstream', `${plain.url}simple/`, '--file-host', `127.0.0.1:${plain.files.port}`];
    const data = join(folder, 'plain');
    const outside = await startVerbatim(own, data);
    const address = `../files/bare/first-sight/${bare.filename}`;
    const first = await fetch(new URL(address, outside.simple));
    expect([first.status, first.headers.get('verbatim-evidence')]).toEqual([200, 'first-sight']);
    await first.arrayBuffer();
    await outside.close();
    const made = await verbatim(
      'export',
      join(folder, 'bare.tar'),
      '--key',
      join(folder, 'key'),
      ...own,
      '--data',
      data,
    );
    expect([made.code, made.stderr]).toEqual([0, '']);
    const config = join(folder, 'inside-bare.yaml');
    await writeFile(
      config,
      `data: ${join(folder, 'inside-bare')}\nindexes:\n  main:\n    evidence: index\n    import:\n      keys: [{ name: outside, ed25519_file: ${join(folder, 'key.pub')} }]\n`,
    );
    const taken = await verbatim('import', join(folder, 'bare.tar'), '--config', config);
    expect([taken.code, taken.stderr]).toEqual([0, '']);
    const inside = await startVerbatim(['--config', config], join(folder, 'inside-bare'));
    try {
      const answer = await fetch(new URL(address, inside.simple));
      expect(answer.headers.get('verbatim-evidence')).toMatch(/^as carried by outside on /);
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.from(bare.bytes));
      const status = await verbatim('status', '--config', config);
      expect(status.stdout).toMatch(/as carried by outside on .*: 1 file without a digest is listed by the one that a/);
    } finally {
      await inside.close();
    }
  } finally {
    await plain.close();
  }
}, 120_000);
