import type { Caller } from '../async/caller.ts';
import { createUpstreamShares, type OnCrowding, type UpstreamShares } from '../async/shares.ts';
import type { Instant } from '../bytes/instant.ts';
import { Refusal } from '../bytes/refusal.ts';
import { Stopping, type Upstream } from '../ports/upstream.ts';
import { type AbsencePolicy, Absences } from './absence.ts';
import { guardedLookup, type Resolve, resolveBySystem } from './addresses.ts';
import { createConnections, type Reach } from './connections.ts';
import { type DestinationOptions, Destinations } from './destinations.ts';
import { createDocuments } from './documents.ts';
import { createDownloads } from './downloads.ts';
import { createExchange } from './exchange.ts';
import { LIMITS, type UpstreamLimits } from './limits.ts';
import { RetryAfter } from './retry-after.ts';
import { type OnSilence, Silence } from './silence.ts';
import { createVisits, type MakeVisit, type OnAsked } from './visit.ts';

export interface UpstreamOptions extends DestinationOptions, Reach {
  /** For the User-Agent. */
  readonly version?: string | undefined;
  /** For the User-Agent: whom upstream's operators can turn to. */
  readonly contact?: string | undefined;
  /** Further attempts at a document after the first failed; 0 for a client that must ask once. */
  readonly retries?: number | undefined;
  /** How the index says no; nothing but 404 and 410 where it is not given. */
  readonly absent?: AbsencePolicy | undefined;
  readonly resolve?: Resolve | undefined;
  readonly limits?: Partial<UpstreamLimits> | undefined;
  /** Asks nobody: every request is refused (`offline`) before anything is looked up or opened. */
  readonly offline?: boolean | undefined;
  readonly onCrowding?: OnCrowding | undefined;
  readonly onSilence?: OnSilence | undefined;
  readonly onAsked?: OnAsked | undefined;
  /** True where the index, and nobody else, is told what a client calls its request. */
  readonly trace?: boolean | undefined;
  /** Told what time it is by upstream's clock, with each answer to a document that says it. Must not throw. */
  readonly heard?: ((there: Instant) => void) | undefined;
}

/** The mirror's Upstream over HTTP. */
export interface HttpUpstream extends Upstream {
  /** What its requests queue for. */
  readonly shares: UpstreamShares;
  /** Whether something of the index is there besides this: then it is not there, and not merely kept from us. `anew`: what was shown before does not count. */
  isThere(besides: string, caller: Caller, anew: boolean): Promise<boolean>;
  /** Ends every request under way (`unreachable`) and the idle connections. */
  close(): void;
}

/** A GET client for one upstream index, all of whose waits, sizes and destinations are bounded. */
export function createUpstream(options: UpstreamOptions): HttpUpstream {
  const limits: UpstreamLimits = { ...LIMITS, ...options.limits };
  const absent = options.absent ?? { statuses: [], redirectElsewhere: false };
  const destinations = new Destinations(options);
  const connections = createConnections(limits, options);
  const { connections: places, queue, longestQueueing: longestWait } = limits;
  const shares = createUpstreamShares({ connections: places, queue, longestWait, onCrowding: options.onCrowding });
  const silence = new Silence(limits, options.onSilence);
  const closing = new AbortController();
  const visit: MakeVisit =
    options.offline === true
      ? refuseOffline
      : createVisits({
          destinations,
          exchange: createExchange({
            connections,
            limits,
            lookup: guardedLookup(options.resolve ?? resolveBySystem, (hostname) =>
              destinations.mayBePrivate(hostname),
            ),
          }),
          retryAfter: new RetryAfter(limits),
          silence,
          onAsked: options.onAsked,
          trace: options.trace === true,
          proxy: connections,
          agent: agentOf(options),
        });
  const lane = { gate: shares.documents, pace: limits.documents, files: false };
  const absences = new Absences(absent, limits, async (url, caller) => {
    try {
      // The first byte will do.
      const headers = { range: 'bytes=0-0' };
      const answer = await visit(url, { headers, redirects: limits.redirects, fresh: true, lane, caller });
      answer.discard();
      return answer.status === 200 || answer.status === 206;
    } catch (error) {
      if (caller.signal.aborted) throw error;
      return false;
    }
  });
  const document = createDocuments({
    visit,
    absences,
    silence,
    lane,
    limits,
    retries: options.retries ?? limits.retries,
    heard: options.heard,
    closing: closing.signal,
  });
  const download = createDownloads({
    visit,
    absences,
    lane: { gate: shares.downloads, pace: limits.downloads, files: true },
    limits,
    closing: closing.signal,
  });
  return {
    shares,
    document,
    download,
    isThere: (besides, caller, anew) => absences.isWitnessed(besides, caller, anew),
    mayFetch: (url, unproved) => destinations.mayFetch(url, unproved),
    close() {
      closing.abort(new Stopping());
      connections.close();
    },
  };
}

const refuseOffline: MakeVisit = async () => {
  throw new Refusal('offline', 'This mirror was told to ask no upstream for anything (offline).');
};

function agentOf({ version, contact }: UpstreamOptions): string {
  const program = version === undefined ? 'verbatim' : `verbatim/${version}`;
  return contact === undefined ? program : `${program} (${contact})`;
}
