import type { Blob } from '../../bytes/blob.ts';
import type { Expected } from '../../bytes/expected.ts';
import { about, Refusal, type Subject } from '../../bytes/refusal.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { Events } from '../../ports/events.ts';
import type { OpenDownload, Upstream } from '../../ports/upstream.ts';

export interface FetchOptions {
  readonly index: string;
  readonly blobs: Blobs;
  readonly upstream: Upstream;
  readonly events: Events;
}

type ServedKind = 'page' | 'list' | 'file' | 'core-metadata' | 'target';

interface Request {
  readonly name: string;
  readonly subject: ServedKind;
  readonly expected: Expected;
  readonly limit: number;
  /** Best first; the next is tried only where upstream says the one before does not exist. */
  readonly urls: readonly string[];
  /** A source of last resort, behind the URLs. */
  readonly otherwise?: OpenDownload | undefined;
}

/** The proved file: held already, or filled from the first URL that has it. Every refusal is counted and named. */
export type FetchProved = (request: Request) => Promise<Blob>;

export function createFetch({ index, blobs, upstream, events }: FetchOptions): FetchProved {
  const fetch: FetchProved = async ({ name, subject, expected, limit, urls, otherwise }) => {
    if (expected.digests.size === 0)
      throw new Refusal(
        'algorithm',
        `${name} is listed without a digest this program can check (sha256, sha384, sha512 or blake2b-256).`,
        { subject },
      );
    if (expected.length !== undefined && expected.length > limit)
      throw new Refusal('limit', `${name} is listed with ${expected.length} bytes; at most ${limit} are accepted.`, {
        subject,
      });
    if (urls.length === 0 && otherwise === undefined && !(await blobs.stored(expected)))
      throw new Refusal(
        'foreign',
        `The index keeps ${name} on a host this mirror may not fetch from. Add the host to the file hosts if it is right.`,
        { subject },
      );
    const sources = [
      ...(urls.length === 0 ? [] : [upstream.download({ urls, expected })]),
      ...(otherwise === undefined ? [] : [otherwise]),
    ];
    const how = (await blobs.stored(expected)) ? 'disk' : 'upstream';
    const blob = await blobs.fetch(
      { origin: `${index} ${urls[0] ?? name}`, expected, limit, name, subject },
      firstThatExists(sources, name, subject),
    );
    events.served({ index, kind: subject, how });
    return blob;
  };

  return async (request) => {
    const { name, subject } = request;
    try {
      return await fetch(request);
    } catch (error) {
      const refusal = about(error, subject);
      if (refusal instanceof Refusal)
        events.rejected({ index, reason: refusal.reason, subject, name, message: refusal.message, at: 'upstream' });
      throw refusal;
    }
  };
}

/** Upstream lacking what signed metadata lists is upstream's inconsistency, never "absent" (faults 56). */
function firstThatExists(sources: readonly OpenDownload[], name: string, subject: Subject): OpenDownload {
  let from = 0;
  return async (request) => {
    for (; from < sources.length; from++) {
      try {
        const source = sources[from];
        if (source !== undefined) return await source(request);
      } catch (error) {
        if (!(error instanceof Refusal) || error.reason !== 'unlisted') throw error;
      }
    }
    from = 0;
    throw new Refusal('mix-and-match', `${name} is listed, but upstream does not have it.`, { subject });
  };
}
