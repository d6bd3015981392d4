import type { ServedPage } from '../../mirror/package-index.ts';
import { isNormalized } from '../../pypi/names.ts';
import type { Choice } from '../../render/negotiate.ts';
import type { Address, Answered } from '../address.ts';
import type { Exchange, OnFinish } from '../exchange.ts';
import { isHost } from '../guard.ts';
import { replyPage } from '../reply/doors.ts';
import { createNegotiate } from './pages.ts';

/** Answers a request if it is a plain one for a page that is at hand; false leaves it untouched for the routes. */
export type Warm = (exchange: Exchange) => boolean;

const SIMPLE = ['/simple/', '/+simple/'];

/**
 * The fast path: a lookup and a write. Everything unusual (another method, a body, a header twice, a query, an
 * escape) is left to the routes, which give the same answer slowly.
 */
export function createWarm(addresses: readonly Address[], onFinish: OnFinish | undefined): Warm {
  const mounts = addresses
    .flatMap((address) =>
      address.prefixes.flatMap((prefix) => SIMPLE.map((simple) => ({ at: prefix + simple, address }))),
    )
    .sort((a, b) => a.at.length - b.at.length);
  const negotiate = createNegotiate();
  const isPlain = createIsPlain();

  return (exchange) => {
    const { url, method, head } = exchange;
    const started = onFinish === undefined ? 0 : performance.now();
    if ((method !== 'GET' && !head) || !url.endsWith('/')) return false;
    const mount = mounts.find(({ at }) => url.startsWith(at));
    if (mount === undefined) return false;
    const project = url.slice(mount.at.length, -1);
    if (!isNormalized(project)) return false;
    const { headers } = exchange;
    const choice = negotiate(headers.accept, one(headers['accept-encoding']));
    if (choice === undefined || !isPlain(exchange)) return false;
    const found = warmOf(mount.address, project, choice);
    if (found === undefined) return false;
    const { policy, headersOf } = found.by;
    const { found: warm } = found;
    const bytes = replyPage(exchange, warm.page, choice, headersOf, warm.life);
    // The whole answer was handed to the socket at once: its record need not wait for the client.
    onFinish?.({
      name: 'answered',
      route: 'page',
      index: policy.name,
      method: head ? 'HEAD' : 'GET',
      status: exchange.status,
      reason: undefined,
      seconds: (performance.now() - started) / 1000,
      bytes,
      aborted: false,
      path: url,
      client: exchange.client,
      requestId: exchange.requestId,
    });
    return true;
  };
}

/** At hand of the first that has it: whoever stands before it is known to have none at this instant, and to have had none. */
function warmOf(address: Address, project: string, choice: Choice): Answered<ServedPage> | undefined {
  for (const by of address.membersFor(project)) {
    const found = by.index.warmPage(project, choice);
    if (found !== undefined) return { by, found };
    if (!by.index.isAbsent(project) || by.index.mayBeKept(project)) return undefined;
  }
  return undefined;
}

/** One Host, no body, no upgrade: what `guard` would let pass without a remark. */
function createIsPlain(): (exchange: Exchange) => boolean {
  let lastHost: string | undefined;
  return ({ rawHeaders, headers, minorVersion }) => {
    // Of the versions that node reads (0.9, 1.0, 1.1, 2.0) one ends so.
    if (minorVersion !== 1) return false;
    if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) return false;
    if (headers.upgrade !== undefined) return false;
    let hosts = 0;
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at];
      if (name?.length === 4 && name.toLowerCase() === 'host') hosts++;
    }
    const { host = '' } = headers;
    if (hosts !== 1) return false;
    // Nearly every client names the same one.
    if (host !== lastHost) {
      if (!isHost(host)) return false;
      lastHost = host;
    }
    return true;
  };
}

function one(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'object' ? value.join(', ') : value;
}
