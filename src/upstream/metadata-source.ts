import type { Caller } from '../async/caller.ts';
import type { Instant } from '../bytes/instant.ts';
import type { MetadataFor, Upstream } from '../ports/upstream.ts';
import type { Layout } from '../presets/layouts.ts';
import { metadataUrl } from '../presets/targets.ts';
import type { MetadataSource } from '../tuf/refresh.ts';

type MetadataRequest = Parameters<MetadataSource['read']>[0];

/** Reads a TUF role from upstream; undefined where it does not exist there. No retries of a 404. */
export function createMetadataSource(upstream: Pick<Upstream, 'document'>, layout: Layout): MetadataFor {
  const read = async ({ role, version, limit }: MetadataRequest, caller: Caller) => {
    const request = {
      url: metadataUrl(layout, role, version),
      fresh: false,
      limit,
      // Object stores answer 403 for a key that does not exist; for the next root that is the end of the chain (TUF §5.3.3).
      forbiddenIsAbsent: role === 'root',
      proved: true,
    };
    const answer = await upstream.document(request, caller);
    return answer.kind === 'document' ? answer : undefined;
  };
  return (caller) => {
    let there: Instant | undefined;
    return {
      async read(request) {
        const found = await read(request, caller);
        const bare = layout.digitRolesUnversioned && request.version !== undefined && /^[0-9]/.test(request.role);
        const answer = found === undefined && bare ? await read({ ...request, version: undefined }, caller) : found;
        if (request.role === 'timestamp') there = answer?.date;
        return answer?.bytes;
      },
      timeThere: () => there,
    };
  };
}
