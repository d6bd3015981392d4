import type { IncomingMessage, RequestListener } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import type { Access, Verdict } from './access/access.ts';
import { beginExchange, type Exchange, type OnFinish } from './exchange.ts';
import { guard } from './guard.ts';
import { CONTINUE_EVERY_MS } from './limits.ts';
import { type Presented, present, type ServedIndex } from './mount.ts';
import { BAD_REQUEST, BUSY, NOTHING_HERE, TOO_LONG, UNAUTHORIZED } from './reply/answers.ts';
import { replyError, replyProblem, replyRedirect, replyText } from './reply/doors.ts';
import { type Metrics, replyLive, replyMetrics, replyReady } from './routes/health.ts';
import { type Asked, type Env, indexRoutes } from './routes/routes.ts';
import { createWarm } from './routes/warm-page.ts';
import { readTarget } from './target.ts';
import { createWait } from './waiting.ts';

export interface ListenerOptions {
  readonly indexes: readonly ServedIndex[];
  /** The name of the index that also lies at the root. */
  readonly defaultIndex: string;
  /** Where clients reach this mirror, for the few documents that name files by their whole address. */
  readonly publicUrl?: (() => string | undefined) | undefined;
  /** False while answers should not be asked for (start, drain). Never because upstream or Redis is away. */
  readonly ready?: (() => boolean) | undefined;
  /** Asked before everything but health; absent: everybody may read. */
  readonly access?: Access | undefined;
  /** Only where this listener should show them; the public one does not (faults M 264). */
  readonly metrics?: Metrics | undefined;
  readonly onFinish?: OnFinish | undefined;
  /** An error that is no refusal. Must not throw. */
  readonly onFault?: ((error: unknown) => void) | undefined;
  /** Between two interim answers to a client that waits; for tests. */
  readonly continueEveryMs?: number | undefined;
}

/** Everything that is served, as a listener for node's own server. */
export function createListener(options: ListenerOptions): RequestListener {
  const { defaultIndex, access, onFinish, onFault = () => undefined } = options;
  const presented = options.indexes.map((served) => present(served, defaultIndex));
  const warm = createWarm(presented, onFinish);
  const app = createApp(options, presented);
  const asked = new WeakMap<IncomingMessage, Asked>();
  const route = getRequestListener(
    (request, env) => {
      // HTTP/2 is not offered, so that these are node's HTTP/1.1 objects.
      const bindings = env as HttpBindings;
      const known = asked.get(bindings.incoming);
      if (known === undefined) throw new Error('a request came past the listener');
      return app.fetch(request, { ...bindings, asked: known });
    },
    { overrideGlobalObjects: false, autoCleanupIncoming: false },
  );

  const answer = (exchange: Exchange, verdict: Verdict) => {
    const { incoming, outgoing } = exchange;
    if (outgoing.destroyed) return;
    try {
      const target = admit(exchange, verdict);
      if (target === undefined) return;
      asked.set(incoming, { exchange, target });
      void route(incoming, outgoing);
    } catch (error) {
      if (replyError(exchange, undefined, error)) onFault(error);
    }
  };

  return (incoming, outgoing) => {
    let begun: Exchange | undefined;
    const begin = () => {
      begun ??= beginExchange(incoming, outgoing, onFinish);
      return begun;
    };
    const verdict: ReturnType<Access['check']> =
      access === undefined || isOpen(incoming.url)
        ? 'granted'
        : access.check(incoming.headers.authorization, () => begin().callerOf(''));
    if (verdict === 'granted' && warm(incoming, outgoing)) return;
    const exchange = begin();
    if (typeof verdict === 'string') answer(exchange, verdict);
    else void verdict.then((found) => answer(exchange, found));
  };
}

/** Health is asked for by machines that have no credentials, and tells nothing. */
function isOpen(url: string | undefined): boolean {
  return url === '/livez' || url === '/readyz';
}

/** RFC 7617 §2.1. pip, Poetry and PDM look for credentials only once they are asked (rule of the clients). */
const CHALLENGE = ['WWW-Authenticate', 'Basic realm="Verbatim", charset="UTF-8"'];

/** What can be asked of this listener at all; answers everything else itself. */
function admit(exchange: Exchange, verdict: Verdict): Asked['target'] | undefined {
  const { incoming, outgoing } = exchange;
  const refused = guard(incoming, outgoing);
  if (refused !== undefined) {
    replyProblem(exchange, undefined, refused);
    return undefined;
  }
  if (verdict !== 'granted') {
    if (verdict === 'busy') replyProblem(exchange, undefined, BUSY);
    else replyProblem(exchange, undefined, UNAUTHORIZED, CHALLENGE);
    return undefined;
  }
  const read = readTarget(incoming.url ?? '');
  if (read.kind === 'target') return read.target;
  if (read.kind === 'double-slash') replyRedirect(exchange, undefined, read.clean);
  else if (read.kind === 'absent') replyProblem(exchange, undefined, NOTHING_HERE);
  else replyProblem(exchange, undefined, read.kind === 'too-long' ? TOO_LONG : BAD_REQUEST);
  return undefined;
}

function createApp(options: ListenerOptions, presented: readonly Presented[]): Hono<Env> {
  const { ready = () => true, publicUrl = () => undefined, metrics, onFault = () => undefined } = options;
  const wait = createWait(options.continueEveryMs ?? CONTINUE_EVERY_MS);
  const app = new Hono<Env>({ getPath: (_, about) => about?.env?.asked.target.path ?? '/' });

  const own =
    (route: Exchange['notes']['route'], handle: (exchange: Exchange) => Promise<void> | void) =>
    async ({ env }: { readonly env: Env['Bindings'] }) => {
      env.asked.exchange.notes.route = route;
      await handle(env.asked.exchange);
      return RESPONSE_ALREADY_SENT;
    };
  app.get('/livez', own('health', replyLive));
  app.get(
    '/readyz',
    own('health', (exchange) => replyReady(exchange, ready())),
  );
  if (metrics !== undefined)
    app.get(
      '/metrics',
      own('metrics', (exchange) => replyMetrics(exchange, metrics)),
    );
  const home = homeText(presented);
  app.get(
    '/',
    own('home', (exchange) => replyText(exchange, home)),
  );
  for (const index of presented)
    for (const prefix of index.prefixes)
      app.route(prefix || '/', indexRoutes(index, prefix, { wait, publicUrl, onFault }));

  app.notFound(own('none', (exchange) => replyProblem(exchange, undefined, NOTHING_HERE)));
  app.onError((error, { env }) => {
    if (replyError(env.asked.exchange, undefined, error)) onFault(error);
    return RESPONSE_ALREADY_SENT;
  });
  return app;
}

function homeText(presented: readonly Presented[]): string {
  const indexes = presented.map(
    ({ manner, prefixes }) =>
      `  ${manner.name}: ${prefixes.at(-1)}/simple/ (evidence: ${manner.evidence === 'tuf' ? 'signed with TUF' : "the index's own digests"})`,
  );
  return [
    'This is Verbatim, a mirror of Python package indexes that proves what it serves.',
    '',
    'Indexes:',
    ...indexes,
    '',
    'Point an installer at one of them: its address here, ending in simple/, is what pip calls --index-url',
    'and uv calls --default-index. Configure no second index beside it.',
    '',
    'What is checked, and what an error means, is told in docs/trust.md of the project.',
    '',
  ].join('\n');
}
