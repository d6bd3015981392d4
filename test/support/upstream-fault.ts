import type { IncomingMessage } from 'node:http';

/**
 * What goes wrong with one answer. Offsets and sizes are bytes of the body, times milliseconds.
 * - `status`: that status (with `headers`, `body`) instead of the file
 * - `headers`: the file with these headers added (`{'content-encoding': 'gzip'}`, `{'content-range': …}`), without its length where `chunked`, ended by FIN after `cut`
 * - `replace`: other bytes; `flip`: one byte changed, at `at`
 * - `extra`: these bytes on the wire right after a complete answer
 * - `truncate`: cut at `at`, by FIN or RST; `framing` says how the length is told ('close': not at all)
 * - `drip`: `bytes` at a time, every `every`; `throttle`: about that many bytes a second
 * - `stall`: nothing more at `at` ('headers', or an offset), for `time` (absent: for ever); `interim` sends `100 Continue` that often meanwhile
 * - `wait`: the answer is what it is when `until` has come
 * - `redirect`: to `to` (as Location says it); `ignore-range`: 200 with everything
 * - `raw`: these bytes on the socket instead of HTTP of ours, then FIN (`keep`: the connection stays open)
 * - `reset`: RST before any answer
 */
export type Fault =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string | Uint8Array;
    }
  | {
      readonly kind: 'headers';
      readonly headers: Record<string, string>;
      readonly status?: number;
      readonly chunked?: boolean;
      readonly cut?: number;
    }
  | { readonly kind: 'replace'; readonly bytes: Uint8Array }
  | { readonly kind: 'flip'; readonly at: number }
  | { readonly kind: 'extra'; readonly bytes: string }
  | {
      readonly kind: 'truncate';
      readonly at: number;
      readonly how?: 'fin' | 'rst';
      readonly framing?: 'length' | 'chunked' | 'close';
    }
  | { readonly kind: 'drip'; readonly bytes: number; readonly every: number }
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  | { readonly kind: 'stall'; readonly at: 'headers' | number; readonly time?: number; readonly interim?: number }
  | { readonly kind: 'wait'; readonly until: Promise<unknown> }
  | { readonly kind: 'redirect'; readonly to: string; readonly status?: number }
  | { readonly kind: 'ignore-range' }
  | { readonly kind: 'raw'; readonly bytes: string | Uint8Array; readonly keep?: boolean }
  | { readonly kind: 'reset' };

/** The file as the fault leaves it. */
export function damaged(file: Uint8Array, fault: Fault | undefined): Uint8Array {
  if (fault?.kind === 'replace') return fault.bytes;
  if (fault?.kind !== 'flip') return file;
  const copy = Uint8Array.from(file);
  copy[fault.at] = (copy[fault.at] ?? 0) ^ 1;
  return copy;
}

/** One `bytes=a-b` or `bytes=a-`, if it is asked for and If-Range holds; [start, end). */
export function rangeOf(
  request: IncomingMessage,
  size: number,
  etag: string | undefined,
): [number, number] | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  if (match === null || (condition !== undefined && condition !== etag)) return undefined;
  const start = Number(match[1]);
  const end = match[2] === '' ? size : Math.min(size, Number(match[2]) + 1);
  return start < end ? [start, end] : 'unsatisfiable';
}
