import type { Digests } from '../bytes/digest.ts';
import { decodeJson } from './decode-json.ts';
import { lossesOf } from './losses.ts';
import type { Entry, ProjectPage } from './project-page.ts';

/** Any link: nobody follows it. */
const NO_LINK = '.';

/**
 * What the next page of a project is held to by this one, as the smallest page that says the same to `lossesOf` and `changesOf`. It names
 * no place to fetch a file from: for comparing alone. Undefined for a page of which no smaller one says all that.
 */
export function condense(page: ProjectPage): Uint8Array | undefined {
  const { name, files, projectStatus } = page;
  const small = {
    ...(projectStatus !== undefined && { 'project-status': projectStatus }),
    files: files.map(condensed),
  };
  const bytes = Buffer.from(JSON.stringify(small));
  return saysTheSame(page, decodeJson(bytes, name)) ? bytes : undefined;
}

/** A line that is longer than a line may be, say, would not be read again. */
function saysTheSame(page: ProjectPage, again: ProjectPage): boolean {
  const one = { page, serial: undefined };
  const other = { page: again, serial: undefined };
  return lossesOf(one, other).length === 0 && lossesOf(other, one).length === 0;
}

function condensed({ filename, digests, weak, uploadTime, requiresPython, yanked, coreMetadata, provenance }: Entry) {
  return {
    filename,
    url: NO_LINK,
    hashes: Object.fromEntries([...digests, ...(weak ?? [])]),
    ...(uploadTime !== undefined && { 'upload-time': uploadTime }),
    ...(requiresPython !== undefined && { 'requires-python': requiresPython }),
    ...(yanked !== undefined && { yanked }),
    ...(isDigests(coreMetadata) && { 'core-metadata': Object.fromEntries(coreMetadata) }),
    ...(provenance !== undefined && { provenance }),
  };
}

function isDigests(coreMetadata: Entry['coreMetadata']): coreMetadata is Digests {
  return typeof coreMetadata === 'object';
}
