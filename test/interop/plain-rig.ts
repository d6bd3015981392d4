import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filePath, htmlPage, type IndexFile, jsonPage } from '../../src/demo/index-pages.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';
import { type RunningVerbatim, startVerbatim } from '../support/verbatim.ts';

export interface PlainFile extends IndexFile {
  readonly project: string;
}

/** An index that signs nothing, on loopback, and how to put real mirrors before it. */
export interface PlainRig {
  readonly upstream: TestUpstream;
  /** Scratch space that goes when the rig closes. */
  readonly directory: string;
  /** Another mirror of the same upstream, knowing nothing; it is closed with the rig. */
  readonly mirror: (flags?: readonly string[]) => Promise<RunningVerbatim>;
  /** A further document upstream. */
  readonly serve: (path: string, text: string) => void;
  /** What upstream was asked for whose path ends so. */
  readonly fetched: (ending: string) => number;
  readonly close: () => Promise<void>;
}

const jsonList = (projects: readonly string[]) =>
  JSON.stringify({ meta: { 'api-version': '1.1' }, projects: projects.map((name) => ({ name })) });
const htmlList = (projects: readonly string[]) =>
  `<!DOCTYPE html><html><body>${projects.map((name) => `<a href="${name}/">${name}</a>`).join('\n')}</body></html>`;

/** `simple/`, `simple/NAME/` in one format, whatever is accepted, and `packages/…` with core metadata beside each file. */
export async function startPlainRig(files: readonly PlainFile[], format: 'json' | 'html' = 'json'): Promise<PlainRig> {
  const served = new Map<string, Uint8Array>();
  for (const file of files) {
    served.set(filePath(file), file.bytes);
    if (file.coreMetadata !== undefined) served.set(`${filePath(file)}.metadata`, file.coreMetadata);
  }
  const projects = [...new Set(files.map((file) => file.project))];
  served.set('simple/', Buffer.from((format === 'json' ? jsonList : htmlList)(projects)));
  for (const project of projects) {
    const listed = files.filter((file) => file.project === project);
    served.set(`simple/${project}/`, Buffer.from((format === 'json' ? jsonPage : htmlPage)(project, listed)));
  }
  const upstream = await startUpstream({ files: served });
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-rig-'));
  const mirrors: RunningVerbatim[] = [];
  return {
    upstream,
    directory,
    async mirror(flags = []) {
      const mirror = await startVerbatim(['--upstream', `${upstream.url}simple/`, ...flags]);
      mirrors.push(mirror);
      return mirror;
    },
    serve: (path, text) => void served.set(path, Buffer.from(text)),
    fetched: (ending) => upstream.requests.filter(({ url }) => decodeURIComponent(url).endsWith(ending)).length,
    async close() {
      await Promise.all(mirrors.map((mirror) => mirror.close()));
      await upstream.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
