// What can be wrong with a page on its way, as functions from what PyPI meant to send to what arrives.

/** One answer. */
export interface Sent {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** How the length is told; 'close': not at all. */
  readonly framing?: 'length' | 'chunked' | 'close';
  /** The connection ends after this many bytes. */
  readonly cut?: { readonly at: number; readonly how: 'fin' | 'rst' };
}

/** `connection`: which one it goes out on, counted from 1. */
export type Send = (answer: Sent, connection: number) => Sent;

export const asItIs: Send = (answer) => answer;

export const badGateway: Send = () => answering(502, '<html>502 Bad Gateway</html>');

export const loginPage: Send = () =>
  answering(
    200,
    '<!DOCTYPE html><html><head><title>Log in</title></head><body><form method="post"><input type="password" name="p"></form><a href="/help">Help</a></body></html>',
  );

export function answering(status: number, body: string | Uint8Array, headers: Record<string, string> = {}): Sent {
  return { status, headers: { 'content-type': 'text/html', ...headers }, body: Buffer.from(body) };
}

/** Other bytes under the true headers, ETag and serial. */
export function forged(bytes: Uint8Array | string): Send {
  return (answer) => ({ ...answer, status: 200, body: Buffer.from(bytes) });
}

/** Members of the JSON page changed, under the true headers. */
export function rewritten(change: (page: Page) => Page): Send {
  return (answer) => ({ ...answer, body: Buffer.from(JSON.stringify(change(JSON.parse(String(answer.body))))) });
}

interface Page {
  readonly files: readonly (Readonly<Record<string, unknown>> & { readonly filename: string })[];
  readonly [key: string]: unknown;
}

/** No file is left. */
export const emptied: Send = rewritten((page) => ({ ...page, files: [] }));

/** One byte changed. */
export function corrupt(at: number): Send {
  return (answer) => {
    const body = Uint8Array.from(answer.body);
    body[at] = (body[at] ?? 0) ^ 1;
    return { ...answer, body };
  };
}

/** One edge of a CDN: the same trouble for each of its connections, counted from 1. */
export function onConnections(which: (connection: number) => boolean, send: Send): Send {
  return (answer, connection) => (which(connection) ? send(answer, connection) : answer);
}

export function withHeaders(headers: Readonly<Record<string, string>>): Send {
  return (answer) => ({ ...answer, headers: { ...answer.headers, ...headers } });
}

export function withoutHeader(name: string): Send {
  return (answer) => {
    const { [name]: _, ...headers } = answer.headers;
    return { ...answer, headers };
  };
}

/** An older or newer serial than the true one. */
export function withSerial(serial: number): Send {
  return withHeaders({ 'x-pypi-last-serial': String(serial) });
}

export function cut(at: number, framing: 'length' | 'chunked' | 'close', how: 'fin' | 'rst' = 'fin'): Send {
  return (answer) => ({ ...answer, framing, cut: { at, how } });
}
