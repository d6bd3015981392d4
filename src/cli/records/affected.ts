import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Affects, affects } from '../../advisories/affected.ts';
import { readFeed } from '../../advisories/feed.ts';
import { MAX_ARCHIVE } from '../../advisories/limits.ts';
import { type Advisory, readAdvisories } from '../../advisories/record.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { releaseVersionOf } from '../../pypi/names.ts';

// Which files advisories speak of.

/** Of one file of advisories. */
const MOST_BYTES = 64 * 1024 * 1024;

/** True for a file that an advisory speaks of. */
export type IsAffected = (project: string, filename: string) => boolean;

/**
 * Of one advisory, an array of them, all `.json` files below a folder, or an archive of them. Throws Refusal `format` for what is none, and where none
 * speaks of Python packages.
 */
export async function affectedBy(path: string): Promise<IsAffected> {
  const found = await stat(path).catch((error: unknown) => {
    throw wrong(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (path.endsWith('.zip')) return byArchive(path, found.size);
  const projects = new Map<string, Affects[]>();
  for await (const file of found.isDirectory() ? filesBelow(path) : [path])
    for (const advisory of await advisoriesIn(file)) take(projects, advisory);
  if (projects.size === 0) throw wrong(`No advisory in ${path} names a package of the ecosystem PyPI.`);
  return byVersion((project, version) => projects.get(project)?.some((speaksOf) => speaksOf(version)) === true);
}

async function byArchive(path: string, size: number): Promise<IsAffected> {
  if (size > MAX_ARCHIVE) throw wrong(`${path} is larger than ${MAX_ARCHIVE} bytes.`);
  const feed = readFeed(await readFile(path), Number.MAX_SAFE_INTEGER);
  return byVersion((project, version) => feed.about(project, version).length > 0);
}

/** A file without a version is meant wherever any of its project is. */
function byVersion(isMeant: (project: string, version: string) => boolean): IsAffected {
  return (project, filename) => isMeant(project, releaseVersionOf(filename, project) ?? '');
}

async function* filesBelow(path: string): AsyncGenerator<string> {
  for (const name of await readdir(path, { recursive: true })) if (name.endsWith('.json')) yield join(path, name);
}

async function advisoriesIn(path: string): Promise<readonly Advisory[]> {
  if ((await stat(path)).size > MOST_BYTES) throw wrong(`${path} is larger than ${MOST_BYTES} bytes.`);
  try {
    return readAdvisories(await readFile(path), MOST_BYTES);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw wrong(`${path} is no advisory in the format of OSV: ${error.message}`);
  }
}

function take(projects: Map<string, Affects[]>, { withdrawn, affected }: Advisory): void {
  if (withdrawn) return;
  for (const each of affected) {
    const known = projects.get(each.project) ?? [];
    known.push(affects(each));
    projects.set(each.project, known);
  }
}

function wrong(message: string): Refusal {
  return new Refusal('format', message, { subject: 'request' });
}
