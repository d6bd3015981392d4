import type { Caller } from '../../async/caller.ts';
import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Inside } from '../../ports/contents/inside.ts';
import type { KeptContents } from '../../ports/contents/kept.ts';
import type { FileWork } from '../../ports/file-work.ts';
import { differencesOf, releaseInfoIn } from '../../pypi/contents/differences.ts';
import { type Stated, statedIn } from '../../pypi/contents/stated.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import { pep440VersionOf, versionOf } from '../../pypi/names.ts';
import { wheelMetadata } from '../../pypi/wheel.ts';
import { partsOf } from '../files/core-metadata.ts';
import { LIMITS } from '../limits.ts';
import { COMPARED_FOR } from './limits.ts';

/** What the conditions of an index are about. */
export interface Needs {
  readonly licence: boolean;
  readonly differs: boolean;
  readonly startup: boolean;
}

export interface Looked {
  readonly project: string;
  readonly file: OwnFile;
  /** Its proved bytes, where they are at hand. */
  readonly blob: Blob | undefined;
  readonly sha256: string;
  readonly before: KeptContents | undefined;
  readonly born: Instant;
  readonly now: Instant;
}

export interface LookOptions {
  readonly needs: Needs;
  readonly inside: Inside;
  readonly work: Pick<FileWork, 'startupFiles'>;
}

/** What is still to be found out of it. */
export function missing(
  needs: Needs,
  kept: KeptContents | undefined,
  { file, now }: Pick<Looked, 'file' | 'now'>,
): Needs {
  const isCompared = kept?.differs !== undefined && now < kept.at + COMPARED_FOR;
  return {
    licence: needs.licence && kept?.licence === undefined,
    differs: needs.differs && !isCompared,
    startup: needs.startup && kept?.startup === undefined && file.entry.filename.endsWith('.whl'),
  };
}

/** Looks into one file for what is missing; what cannot be had or read stays as it was. Throws where the caller has left. */
export async function lookInto(
  { needs, inside, work }: LookOptions,
  looked: Looked,
  caller: Caller,
): Promise<KeptContents> {
  const { file, blob, sha256, before, born, now } = looked;
  const wanted = missing(needs, before, looked);
  const attempt = async <T>(find: () => Promise<T | undefined>): Promise<T | undefined> => {
    try {
      return await find();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return undefined;
    }
  };
  const stated = wanted.licence || wanted.differs ? await attempt(() => statedOf(inside, looked, caller)) : undefined;
  const differs =
    wanted.differs && stated !== undefined ? await attempt(() => compared(inside, looked, stated, caller)) : undefined;
  const { filename } = file.entry;
  const startup =
    wanted.startup && blob !== undefined
      ? await attempt(() => work.startupFiles({ filename, size: blob.size, read: blob.send.bind(blob) }, caller))
      : undefined;
  return {
    file: sha256,
    at: now,
    born: before?.born ?? born,
    licence: before?.licence ?? stated?.licence,
    differs: differs ?? before?.differs,
    startup: before?.startup ?? startup,
  };
}

/** Core metadata, out of the file itself where that holds it and is at hand. */
async function statedOf(inside: Inside, { project, file, blob }: Looked, caller: Caller): Promise<Stated | undefined> {
  const isWheel = file.entry.filename.endsWith('.whl');
  const metadata =
    blob !== undefined && isWheel
      ? await wheelMetadata(blob.size, partsOf(blob, caller), LIMITS.coreMetadata)
      : await inside.coreMetadata(project, file, caller);
  return metadata && statedIn(metadata);
}

/** Undefined where the index has said nothing yet of what it has a place for. */
async function compared(
  inside: Inside,
  { project, file }: Looked,
  stated: Stated,
  caller: Caller,
): Promise<readonly string[] | undefined> {
  const { filename, requiresPython } = file.entry;
  const version = versionOf(filename, project);
  if (version === undefined) return undefined;
  const written = pep440VersionOf(filename, project) ?? version;
  const said = { project, version: written, requiresPython };
  if (inside.release === undefined) return differencesOf(stated, said);
  const document = await inside.release(project, written, caller);
  const info = document && releaseInfoIn(document);
  return info && differencesOf(stated, { ...said, info });
}
