import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { PEER_BLOBS } from '../ports/peers.ts';
import type { Address } from './address.ts';
import type { Exchange, OnRefused, OnSent } from './exchange.ts';
import { CONTINUE_EVERY_MS } from './limits.ts';
import { NOTHING_HERE } from './reply/answers.ts';
import { replyError, replyProblem } from './reply/doors.ts';
import { type AdvisoryService, layAdvisories } from './routes/advisories.ts';
import {
  type Health,
  type Metrics,
  type NotReady,
  replyDevpiStatus,
  replyHealth,
  replyLive,
  replyMetrics,
  replyReady,
} from './routes/health.ts';
import { type PeerDoor, replyPeer } from './routes/peer.ts';
import { layPeople, type PeoplePages } from './routes/people.ts';
import { addressRoutes, type Env } from './routes/routes.ts';
import { createWait } from './waiting.ts';

export interface ServedOptions {
  /** Where clients reach this mirror, for the few documents that name files by their whole address. */
  readonly publicUrl?: (() => string | undefined) | undefined;
  /** Absent: this listener has no pages for people. */
  readonly people?: PeoplePages | undefined;
  /** Why answers should not be asked for now; nothing where they may be. Never because upstream or Redis is away. */
  readonly notReady?: (() => readonly NotReady[]) | undefined;
  /** Absent: this listener is asked nothing about advisories. */
  readonly advisories?: AdvisoryService | undefined;
  /** Absent: nothing is told of what this mirror promises. */
  readonly health?: Health | undefined;
  /** Absent: other replicas have nothing from here. */
  readonly peers?: PeerDoor | undefined;
  /** Only where this listener should show them; the public one does not. */
  readonly metrics?: Metrics | undefined;
  /** Told of each file that a client is sent, before the last byte of it leaves. */
  readonly onSent?: OnSent | undefined;
  readonly onRefused?: OnRefused | undefined;
  /** An error that is no refusal. Must not throw. */
  readonly onFault?: ((error: unknown) => void) | undefined;
  /** Between two interim answers to a client that waits; for tests. */
  readonly continueEveryMs?: number | undefined;
}

/** A route of this program's own. */
type Own = (
  route: Exchange['notes']['route'],
  handle: (exchange: Exchange) => Promise<void> | void,
) => (context: { readonly env: Env['Bindings'] }) => Promise<Response>;

/** Every route. Its environment holds what is asked, and none of node's objects. */
export function createApp(options: ServedOptions, addresses: readonly Address[]): Hono<Env> {
  const {
    notReady = () => [],
    publicUrl = () => undefined,
    metrics,
    peers,
    people,
    advisories,
    onFault = () => undefined,
    onSent = async () => undefined,
    onRefused = () => undefined,
  } = options;
  const wait = createWait(options.continueEveryMs ?? CONTINUE_EVERY_MS);
  const app = new Hono<Env>({ getPath: (_, about) => about?.env?.asked.target.path ?? '/' });

  const own: Own =
    (route, handle) =>
    async ({ env }) => {
      env.asked.exchange.notes.route = route;
      await handle(env.asked.exchange);
      return RESPONSE_ALREADY_SENT;
    };
  layHealth(app, own, { notReady, health: options.health, people });
  if (metrics !== undefined)
    app.get(
      '/metrics',
      own('metrics', (exchange) => replyMetrics(exchange, metrics)),
    );
  if (peers !== undefined)
    app.get(`${PEER_BLOBS}:sha256`, async ({ env }) => {
      const { exchange, target } = env.asked;
      exchange.notes.route = 'peer';
      await replyPeer(exchange, target.path, peers);
      return RESPONSE_ALREADY_SENT;
    });
  // Before them: an index at the root answers OPTIONS of whatever there is.
  if (advisories !== undefined) layAdvisories(app, advisories, { onFault });
  for (const address of addresses)
    for (const prefix of address.prefixes)
      app.route(prefix || '/', addressRoutes(address, prefix, { wait, publicUrl, onFault, onSent, onRefused }));
  // After them: whatever a client of an index may ask for is its own.
  if (people !== undefined) layPeople(app, people, { addresses, onFault });

  app.notFound(own('none', (exchange) => replyProblem(exchange, undefined, NOTHING_HERE)));
  app.onError((error, { env }) => {
    if (replyError(env.asked.exchange, undefined, error)) onFault(error);
    return RESPONSE_ALREADY_SENT;
  });
  return app;
}

function layHealth(
  app: Hono<Env>,
  own: Own,
  {
    notReady,
    health,
    people,
  }: Pick<ServedOptions, 'health' | 'people'> & {
    readonly notReady: () => readonly NotReady[];
  },
): void {
  app.get('/livez', own('health', replyLive));
  app.get(
    '/readyz',
    own('health', (exchange) => replyReady(exchange, notReady())),
  );
  if (health === undefined) return;
  app.get(
    '/health',
    own('health', (exchange) => replyHealth(exchange, health, people && (() => people.health('./')))),
  );
  app.get(
    '/+status',
    own('health', (exchange) => replyDevpiStatus(exchange, health)),
  );
}
