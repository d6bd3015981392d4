import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Hono } from 'hono';
import type { AdvisoryAnswer } from '../../advisories/answer.ts';
import { type Gate, withPlace } from '../../async/gate.ts';
import { type Reason, Refusal } from '../../bytes/refusal.ts';
import { JSON_TYPE } from '../../pypi/media-types.ts';
import { ClientLeft, type Exchange } from '../exchange.ts';
import { ASKED_BODY_MS, LONGEST_RETRY_AFTER, MAX_ASKED_BODY } from '../limits.ts';
import { replyAdvisories } from '../reply/advisory-door.ts';
import { replyError, replyOwnWords } from '../reply/doors.ts';
import { ownWords } from '../reply/own-words.ts';
import type { Target } from '../target.ts';
import type { Env } from './routes.ts';

// What is known to be bad, as OSV's API is asked for it: https://google.github.io/osv.dev/api/.

/** Answers from the feed that this mirror carries. Each throws Refusal. */
export interface AdvisoryService {
  /** Where requests wait until they are read. */
  readonly gate: Gate;
  /** What speaks of a package, or of a version of it: whole records. */
  query(body: Uint8Array): Promise<AdvisoryAnswer>;
  /** The same of many, in their order: ids alone. */
  batch(body: Uint8Array): Promise<AdvisoryAnswer>;
  /** One record by its id, withdrawn ones as well. */
  record(id: string): Promise<AdvisoryAnswer>;
}

const QUERY = '/v1/query';
const BATCH = '/v1/querybatch';
const RECORDS = '/v1/vulns/';

/** Paths of which a request has a body that is read. */
const ASKED: ReadonlySet<string> = new Set([QUERY, BATCH]);

/** True for a request target to which something may be sent. */
export function takesBody(url: string): boolean {
  const question = url.indexOf('?');
  return ASKED.has(question === -1 ? url : url.slice(0, question));
}

interface Laying {
  readonly onFault: (error: unknown) => void;
}

export function layAdvisories(app: Hono<Env>, service: AdvisoryService, { onFault }: Laying): void {
  const on =
    (method: string, find: (exchange: Exchange, target: Target) => Promise<AdvisoryAnswer>) =>
    async ({ env: { asked } }: { readonly env: Env['Bindings'] }) => {
      const { exchange, target } = asked;
      exchange.notes.route = 'advisories';
      try {
        const isAllowed = exchange.method === method || (method === 'GET' && exchange.head);
        if (isAllowed)
          await withPlace(service.gate, exchange.callerOf(''), async () =>
            replyAdvisories(exchange, await find(exchange, target)),
          );
        else replyOther(exchange, method);
      } catch (error) {
        if (exchange.left || error instanceof ClientLeft) return RESPONSE_ALREADY_SENT;
        if (exchange.begun || !(error instanceof Refusal)) {
          if (replyError(exchange, undefined, error)) onFault(error);
        } else replyRefused(exchange, error);
      }
      return RESPONSE_ALREADY_SENT;
    };
  const body = (exchange: Exchange) => exchange.received({ bytes: MAX_ASKED_BODY, within: ASKED_BODY_MS });
  app.all(
    QUERY,
    on('POST', async (exchange) => service.query(await body(exchange))),
  );
  app.all(
    BATCH,
    on('POST', async (exchange) => service.batch(await body(exchange))),
  );
  app.all(
    `${RECORDS}:id`,
    on('GET', (_, { segments }) => service.record(segments[2] ?? '')),
  );
}

/** A status, and what stands for it in the errors of OSV's API (google.rpc.Code). */
const CODES: Partial<Readonly<Record<Reason, readonly [status: number, code: number]>>> = {
  format: [400, 3],
  limit: [413, 3],
  encoding: [415, 3],
  slow: [408, 4],
  unlisted: [404, 5],
};
const UNAVAILABLE = [503, 14] as const;
const UNIMPLEMENTED = 12;

function replyRefused(exchange: Exchange, { reason, transient, message }: Refusal): void {
  const [status, code] = transient ? UNAVAILABLE : (CODES[reason] ?? UNAVAILABLE);
  exchange.notes.reason = reason;
  // What was sent may lie there unread.
  if (exchange.method === 'POST') exchange.endConnection();
  const again = status === 503 ? ['Retry-After', String(LONGEST_RETRY_AFTER)] : [];
  replyFault(exchange, { status, code, message }, again);
}

function replyOther(exchange: Exchange, method: string): void {
  const allow = method === 'GET' ? 'GET, HEAD' : method;
  replyFault(exchange, { status: 405, code: UNIMPLEMENTED, message: `Ask with ${method}.` }, ['Allow', allow]);
}

function replyFault(
  exchange: Exchange,
  { status, code, message }: { readonly status: number; readonly code: number; readonly message: string },
  extra: readonly string[],
): void {
  replyOwnWords(exchange, ownWords(JSON.stringify({ code, message }), { status, contentType: JSON_TYPE }), extra);
}
