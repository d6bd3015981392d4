import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IndexFile } from '../../src/repository/index-pages.ts';
import { type FakePypi, type FakePypiOptions, startFakePypi } from '../support/fake-pypi.ts';
import { type RunningVerbatim, startVerbatim } from '../support/verbatim.ts';

export interface ProjectFile extends IndexFile {
  readonly project: string;
}

/** A PyPI on loopback, and how to put real mirrors before it. */
export interface PypiRig {
  readonly pypi: FakePypi;
  /** Scratch space that goes when the rig closes. */
  readonly directory: string;
  /** Another mirror of the same upstream, knowing nothing; it is closed with the rig. */
  readonly mirror: (flags?: readonly string[]) => Promise<RunningVerbatim>;
  /** How often upstream was asked for the file. */
  readonly fetched: (file: IndexFile) => number;
  /** How often it was asked for anything, so far. */
  readonly asked: () => number;
  readonly close: () => Promise<void>;
}

export async function startPypiRig(files: readonly ProjectFile[], options: FakePypiOptions = {}): Promise<PypiRig> {
  const pypi = await startFakePypi(options);
  for (const file of files) pypi.upload(file.project, file);
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-rig-'));
  const mirrors: RunningVerbatim[] = [];
  return {
    pypi,
    directory,
    async mirror(flags = []) {
      const hosts = ['--file-host', pypi.files.url.replace(/\/$/, '')];
      const mirror = await startVerbatim(['--upstream', `${pypi.url}simple/`, ...hosts, ...flags]);
      mirrors.push(mirror);
      return mirror;
    },
    fetched: (file) => pypi.files.asked(pypi.storedAt(file)).length,
    asked: () => pypi.index.requests.length + pypi.files.requests.length,
    async close() {
      await Promise.all(mirrors.map((mirror) => mirror.close()));
      await pypi.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
