import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IndexFile } from '../../src/repository/index-pages.ts';
import { SignedIndex } from '../../src/repository/signed-index.ts';
import { createClock } from '../support/clock.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { pep458Paths } from '../support/pep458-paths.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';
import {
  type Mirror,
  type MirrorOptions,
  makeScratch,
  NOW,
  signedConfig,
  startMirror,
  unsignedConfig,
} from './mirror.ts';
import { KEYS } from './signed-rig.ts';

/** A mirror of two indexes: `main` signs, `pypi` signs nothing. */
export interface PeopleRig extends Mirror {
  readonly signed: SignedIndex;
  readonly upstream: TestUpstream;
  readonly pypi: FakePypi;
  /** Page of the mirror as JSON. Throws where it is none. */
  readonly json: (path: string) => Promise<Record<string, unknown>>;
}

export function wheel(project: string, version: string, bytes = `${project} ${version}`): IndexFile {
  const filename = `${project.replaceAll('-', '_')}-${version}-py3-none-any.whl`;
  return { filename, bytes: Buffer.from(bytes), uploadTime: '2026-05-04T03:02:01.000000Z' };
}

export async function startPeopleRig(
  options: Partial<MirrorOptions> & { readonly fill?: (signed: SignedIndex, pypi: FakePypi) => void } = {},
): Promise<PeopleRig> {
  const clock = createClock(NOW);
  const signed = new SignedIndex({ keys: KEYS, binBits: 2, pageFormat: 'json', now: clock.now });
  const pypi = await startFakePypi();
  options.fill?.(signed, pypi);
  signed.publish();
  const upstream = await startUpstream({
    files: { get: (path: string) => pep458Paths(signed.repository.files).get(path) },
    time: clock.now,
  });
  const scratch = await makeScratch();
  const root = join(scratch, 'root.json');
  const pinned = pep458Paths(signed.repository.files).get('metadata/1.root.json');
  if (pinned === undefined) throw new Error('the index has no root');
  await writeFile(root, pinned);
  const mirror = await startMirror({
    ...options,
    scratch,
    clock,
    indexes: () => [
      signedConfig({ upstream: upstream.url, root }),
      unsignedConfig({
        name: 'pypi-org',
        upstream: `${pypi.url}simple/`,
        fileHosts: [`127.0.0.1:${pypi.files.port}`],
      }),
    ],
  });
  return {
    ...mirror,
    signed,
    upstream,
    pypi,
    async json(path) {
      const { status, headers, body } = await mirror.get(path, { headers: { accept: 'application/json' } });
      if (headers['content-type'] !== 'application/json') throw new Error(`${path}: ${status} ${body}`);
      return JSON.parse(body.toString());
    },
    async close() {
      await mirror.close();
      await upstream.close();
      await pypi.close();
    },
  };
}
