import type { IncomingMessage, ServerResponse } from 'node:http';
import { isNormalized } from '../pypi/names.ts';
import { type OnFinish, recordedPath } from './exchange.ts';
import { isHost } from './guard.ts';
import { createNegotiate } from './pages.ts';
import type { Presented } from './presented.ts';
import { replyPage } from './reply.ts';

/** Answers a request if it is a plain one for a page that is at hand; false leaves it untouched for the routes. */
export type Warm = (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;

/** The headers of a request that decide here, read in one pass over the raw ones. */
interface Read {
  accept: string | undefined;
  acceptEncoding: string | undefined;
  ifNoneMatch: string | undefined;
}

const SIMPLE = ['/simple/', '/+simple/'];

/**
 * The fast path: a lookup and a write. Everything unusual (another method, a body, a header twice, a query, an
 * escape) is left to the routes, which give the same answer slowly.
 */
export function createWarm(presented: readonly Presented[], onFinish: OnFinish | undefined): Warm {
  const mounts = presented
    .flatMap((index) => index.prefixes.flatMap((prefix) => SIMPLE.map((simple) => ({ at: prefix + simple, index }))))
    .sort((a, b) => a.at.length - b.at.length);
  const negotiate = createNegotiate();

  return (incoming, outgoing) => {
    const { url = '', method } = incoming;
    const head = method === 'HEAD';
    if ((method !== 'GET' && !head) || !url.endsWith('/')) return false;
    const mount = mounts.find(({ at }) => url.startsWith(at));
    if (mount === undefined) return false;
    const { index, manner, headersOf } = mount.index;
    const project = url.slice(mount.at.length, -1);
    if (!isNormalized(project)) return false;
    const page = index.warmPage(project);
    if (page === undefined) return false;
    const read = readHeaders(incoming);
    if (read === undefined) return false;
    const choice = negotiate(read.accept, read.acceptEncoding);
    if (choice === undefined) return false;
    const started = onFinish === undefined ? 0 : performance.now();
    const variant = page.variant(choice.format, choice.coding);
    const bytes = replyPage(outgoing, head, variant, headersOf(variant), read.ifNoneMatch);
    // The whole answer was handed to the socket at once: its record need not wait for the client.
    onFinish?.({
      route: 'page',
      index: manner.name,
      method: head ? 'HEAD' : 'GET',
      status: outgoing.statusCode,
      reason: undefined,
      seconds: (performance.now() - started) / 1000,
      bytes,
      aborted: false,
      path: recordedPath(url),
    });
    return true;
  };
}

/** Undefined where anything is there twice, is unusual, or announces a body. */
function readHeaders({ rawHeaders, httpVersionMinor, httpVersionMajor }: IncomingMessage): Read | undefined {
  if (httpVersionMajor !== 1 || httpVersionMinor !== 1) return undefined;
  const read: Read = { accept: undefined, acceptEncoding: undefined, ifNoneMatch: undefined };
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    const value = rawHeaders[at + 1] ?? '';
    // By length first: most headers are none of these, and need not be folded.
    switch (name.length) {
      case 4:
        if (name.toLowerCase() !== 'host') break;
        if (++hosts > 1 || !isHost(value)) return undefined;
        break;
      case 6:
        if (name.toLowerCase() !== 'accept') break;
        if (read.accept !== undefined) return undefined;
        read.accept = value;
        break;
      case 13:
        if (name.toLowerCase() !== 'if-none-match') break;
        if (read.ifNoneMatch !== undefined) return undefined;
        read.ifNoneMatch = value;
        break;
      case 15:
        if (name.toLowerCase() !== 'accept-encoding') break;
        if (read.acceptEncoding !== undefined) return undefined;
        read.acceptEncoding = value;
        break;
      case 7:
        if (name.toLowerCase() === 'upgrade') return undefined;
        break;
      case 14:
        if (name.toLowerCase() === 'content-length') return undefined;
        break;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') return undefined;
        break;
    }
  }
  return hosts === 1 ? read : undefined;
}
