import type { Trace } from '../async/caller.ts';

// What a request is called by whoever sent it: nothing is decided by it, and it goes into a log and back to the client.

/** One word of a log line and of a header; UUIDs, ULIDs, hex and base64 fit. */
const SANE = /^[A-Za-z0-9][\w.:+/=@-]{0,127}$/;
/** W3C Trace Context §3.2; neither the version nor the trace is the one that means none. */
const TRACE_PARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;

/** One that a later version made longer is not passed on. */
const MOST_PASSED_ON = 128;

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** `X-Request-Id`, or the trace of `traceparent`; undefined where neither came, or none that is sane. */
export function requestIdOf(headers: Headers): string | undefined {
  const { 'x-request-id': id, traceparent } = headers;
  if (id === undefined && traceparent === undefined) return undefined;
  if (typeof id === 'string' && SANE.test(id)) return id;
  return typeof traceparent === 'string' ? TRACE_PARENT.exec(traceparent)?.[1] : undefined;
}

/** The same with the trace that it is a part of. */
export function traceOf(headers: Headers): Trace | undefined {
  const requestId = requestIdOf(headers);
  if (requestId === undefined) return undefined;
  const { traceparent } = headers;
  const isSane =
    typeof traceparent === 'string' && traceparent.length <= MOST_PASSED_ON && TRACE_PARENT.test(traceparent);
  return isSane ? { requestId, traceparent } : { requestId };
}
