import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { readRoot } from '../../../src/app/pinned-root.ts';
import { ConfigRefusal } from '../../../src/config/faults.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { untar } from '../../support/tar.ts';

// Sigstore's own repository by its name alone: its address and its root come with the program.

const folder = mkdtempSync(join(tmpdir(), 'verbatim-sigstore-'));
afterAll(() => rmSync(folder, { recursive: true }));

function loaded(index: object) {
  const file = join(folder, 'verbatim.yaml');
  writeFileSync(file, JSON.stringify({ indexes: { sigstore: { layout: 'sigstore', ...index } } }));
  return loadConfig({ env: {}, file });
}

const faults = (index: object) => {
  try {
    loaded(index);
  } catch (error) {
    if (error instanceof ConfigRefusal) return error.faults.map(({ where }) => where);
    throw error;
  }
  return [];
};

it('needs neither an address nor a root, and takes either', () => {
  const upstream = 'https://tuf-repo-cdn.sigstore.dev/';
  expect(loaded({}).indexes['sigstore']).toMatchObject({ evidence: 'tuf', upstream, root: undefined });
  const own = loaded({ upstream: 'https://copy.example/', root: '/root.json' }).indexes['sigstore'];
  expect(own).toMatchObject({ evidence: 'tuf', upstream: 'https://copy.example/', root: '/root.json' });
});

it('may be brought by bundles, and is then asked for of nobody', () => {
  expect(loaded({ import: {} }).indexes['sigstore']).toMatchObject({ upstream: 'https://sigstore.invalid/' });
});

it('is signed, with all that this means', () => {
  expect(faults({ provenance: 'require' })).toEqual(['indexes.sigstore.provenance']);
  expect(faults({ kind: 'pypi' })).toEqual(['indexes.sigstore.kind']);
  const upstream = 'http://copy.example/';
  expect(faults({ upstream, insecure_upstream: 'i-accept-tampering-is-only-caught-by-signatures' })).toEqual([]);
  expect(
    faults({ upstream, insecure_upstream: 'i-accept-that-anybody-on-the-way-chooses-the-files' }).length,
  ).toBeGreaterThan(0);
});

it('is pinned to the newest root of its production repository that is known here', () => {
  const archive = fileURLToPath(new URL('../../data/sigstore-tuf.tar.gz', import.meta.url));
  const newest = untar(readFileSync(archive)).get('sigstore-tuf/metadata/root_history/15.root.json');
  expect(Buffer.from(readRoot(undefined)).toString()).toBe(Buffer.from(newest ?? '').toString());
});
