import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { existing } from '../bytes/existing.ts';
import { wheelMetadata } from '../pypi/wheel.ts';
import type { IndexFile } from '../repository/index-pages.ts';
import { makeWheel } from '../repository/make-wheel.ts';
import type { Pip } from './pip.ts';

/** A project and version that the demo uses for one part of its story. */
export interface Release {
  readonly project: string;
  readonly version: string;
}

/** Who plays what. */
export interface Cast {
  /** Signed by its developer's own key. */
  readonly claimed: Release;
  /** An older release of the same, which nobody asks for until it is attacked. */
  readonly claimedOlder: Release;
  /** Installed early in the demo, and signed with the index's online keys like all unclaimed projects. */
  readonly seen: Release;
  /** Never asked for until it is attacked. */
  readonly unseen: Release;
  /** Uploaded in the middle of the demo. */
  readonly update: Release;
}

export interface Wheels {
  readonly cast: Cast;
  readonly made: boolean;
  /** Why they were made here, where that was not asked for. */
  readonly because: string | undefined;
  readonly file: (release: Release) => IndexFile;
}

const REAL: Cast = {
  claimed: { project: 'six', version: '1.17.0' },
  claimedOlder: { project: 'six', version: '1.16.0' },
  seen: { project: 'idna', version: '3.10' },
  unseen: { project: 'packaging', version: '24.1' },
  update: { project: 'packaging', version: '24.2' },
};

/** Names of no real project, so that nobody takes these wheels for one. */
const MADE: Cast = {
  claimed: { project: 'demo-lantern', version: '2.1' },
  claimedOlder: { project: 'demo-lantern', version: '2.0' },
  seen: { project: 'demo-kettle', version: '1.4' },
  unseen: { project: 'demo-teapot', version: '3.0' },
  update: { project: 'demo-teapot', version: '3.1' },
};

const GATHER_MILLISECONDS = 45_000;
const METADATA_BYTES = 1024 * 1024;

interface Gathering {
  /** Undefined where wheels are to be made, or there is no pip. */
  readonly pip: Pip | undefined;
  readonly folder: string;
}

/** Real wheels by pip, or small ones made here where pip or the network is missing. */
export async function gatherWheels({ pip, folder }: Gathering): Promise<Wheels> {
  if (pip === undefined) return made(undefined);
  // One release of a project a run: pip does not take two of them at once.
  const batches = [
    [REAL.claimed, REAL.seen, REAL.update],
    [REAL.claimedOlder, REAL.unseen],
  ];
  const runs = await Promise.all(
    batches.map((batch, at) => pip.gather(batch.map(requirement), join(folder, `wheels-${at}`), GATHER_MILLISECONDS)),
  );
  const failed = runs.find(({ ok }) => !ok);
  if (failed !== undefined) return made(failed.said);
  const names = runs.flatMap(({ files }, at) => [...files.keys()].map((name) => join(folder, `wheels-${at}`, name)));
  const files = await Promise.all(names.map(async (name) => indexFile(name, await readFile(name))));
  return { cast: REAL, made: false, because: undefined, file: finder(files) };
}

async function made(because: string | undefined): Promise<Wheels> {
  const wheels = Object.values(MADE).map(({ project, version }: Release) =>
    makeWheel({ project, version, summary: `${project} ${version}, made for the demo`, requiresPython: '>=3.6' }),
  );
  const files = await Promise.all(wheels.map(({ filename, bytes }) => indexFile(filename, bytes)));
  return { cast: MADE, made: true, because, file: finder(files) };
}

/** What an index says of a wheel: its METADATA is published beside it (PEP 658). */
export async function indexFile(path: string, bytes: Uint8Array): Promise<IndexFile> {
  const filename = path.slice(path.lastIndexOf('/') + 1);
  const read = async (start: number, end: number) => bytes.subarray(start, end);
  const inside = await wheelMetadata(bytes.byteLength, read, METADATA_BYTES);
  const coreMetadata = existing(inside, `${filename} holds no METADATA`);
  const requiresPython = /^Requires-Python: *(.+)$/m.exec(Buffer.from(coreMetadata).toString('utf8'))?.[1]?.trim();
  return { filename, bytes, coreMetadata, ...(requiresPython === undefined ? {} : { requiresPython }) };
}

export function requirement({ project, version }: Release): string {
  return `${project}==${version}`;
}

function finder(files: readonly IndexFile[]): Wheels['file'] {
  return ({ project, version }) => {
    const start = `${project.replaceAll('-', '_')}-${version}-`;
    const file = files.find(({ filename }) => filename.startsWith(start));
    return existing(file, `there is no wheel of ${project} ${version}`);
  };
}
