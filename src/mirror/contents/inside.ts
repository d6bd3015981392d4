import type { Blobs } from '../../ports/blobs.ts';
import type { Inside, ReleaseDocument } from '../../ports/contents/inside.ts';
import type { CoreMetadata } from '../files/core-metadata.ts';
import type { Expectations } from '../files/expectations.ts';
import type { Fetch } from '../files/fetch.ts';
import type { Files } from '../files/files.ts';
import { LIMITS } from '../limits.ts';
import { coreMetadataOf } from '../projects/pin-states.ts';
import type { ProjectPages } from '../projects/project-pages.ts';

interface InsideOptions<P> {
  readonly pages: Pick<ProjectPages<P>, 'get'>;
  readonly files: Pick<Files<P>, 'openCoreMetadata'>;
  readonly expectations: Pick<Expectations<P>, 'file'>;
  readonly fetch: Pick<Fetch, 'file'>;
  readonly coreMetadata: Pick<CoreMetadata, 'compare' | 'holds'>;
  readonly blobs: Pick<Blobs, 'stored'>;
  readonly release: ReleaseDocument | undefined;
}

export function insideOf<P>({
  pages,
  files,
  coreMetadata,
  expectations,
  fetch,
  blobs,
  release,
}: InsideOptions<P>): Inside {
  return {
    listing: async (project, caller) => (await pages.get(project, caller)).listing,
    async coreMetadata(project, file, caller) {
      if (coreMetadataOf(file.entry) === undefined || coreMetadata.holds(file) === false) return undefined;
      const blob = await files.openCoreMetadata(await pages.get(project, caller), file, caller);
      return blob?.bytes(LIMITS.coreMetadata);
    },
    async isBelied(file, blob, caller) {
      await coreMetadata.compare(file, blob, caller);
      return coreMetadata.holds(file) === false;
    },
    isHeld: async (project, file, caller) => blobs.stored((await pages.get(project, caller)).expect(file, undefined)),
    async open(project, file, caller) {
      const wanted = await expectations.file(await pages.get(project, caller), file, caller);
      return wanted.expected.digests.size === 0 ? undefined : fetch.file(wanted, caller);
    },
    release,
  };
}
