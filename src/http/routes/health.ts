import { JSON_TYPE } from '../../pypi/media-types.ts';
import { acceptsType, prefersHtml } from '../../render/negotiate.ts';
import type { Shown } from '../../web/shown.ts';
import type { Exchange } from '../exchange.ts';
import { SECONDS_UNTIL_READY } from '../limits.ts';
import { replyOwnWords, replyShown } from '../reply/doors.ts';
import { ownWords } from '../reply/own-words.ts';

/** A Prometheus exposition, made when it is asked for. */
export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
}

/** Why answers should not be asked for at this moment: it is about to stop, or cannot write what it fetches. */
export interface NotReady {
  readonly reason: 'draining' | 'disk' | 'workers';
  /** A sentence without a path or an address: whoever asks has no credentials. */
  readonly message: string;
}

/** Whether what this mirror promises holds. Neither of them asks an upstream, or rejects. */
export interface Health {
  verdict(): Promise<{
    readonly holds: boolean;
    /** In words of this program alone, one line each. */
    readonly lines: readonly string[];
    readonly json: object;
  }>;
  /** The result of devpi's `/+status`. */
  devpiStatus(): Promise<unknown>;
}

const ALIVE = ownWords('alive\n');
const READY = json({ ready: true, reasons: [] });

/** Alive means that this process answers, nothing more. */
export function replyLive(exchange: Exchange): void {
  replyOwnWords(exchange, ALIVE);
}

/** Ready means that answers may be asked for; upstream and Redis have no say in it, or a whole fleet drops at once. */
export function replyReady(exchange: Exchange, reasons: readonly NotReady[]): void {
  if (reasons.length === 0) replyOwnWords(exchange, READY);
  else replyOwnWords(exchange, json({ ready: false, reasons }, 503), ['Retry-After', String(SECONDS_UNTIL_READY)]);
}

/**
 * For people and their monitors, and for nothing that restarts: 503 where something is to be looked at. `page`: the same for a browser, where this
 * listener has pages; whoever takes anything gets lines.
 */
export async function replyHealth(
  exchange: Exchange,
  health: Health,
  page?: (() => Promise<Shown>) | undefined,
): Promise<void> {
  const { accept } = exchange.headers;
  if (page !== undefined && prefersHtml(accept)) return replyShown(exchange, await page());
  const { holds, lines, json: value } = await health.verdict();
  const status = holds ? 200 : 503;
  const isForPeople =
    prefersHtml(accept) || !acceptsType(accept, [JSON_TYPE]) || accept === undefined || accept === '*/*';
  replyOwnWords(exchange, isForPeople ? ownWords(`${lines.join('\n')}\n`, { status }) : json(value, status), [
    'Vary',
    'Accept',
  ]);
}

export async function replyDevpiStatus(exchange: Exchange, health: Health): Promise<void> {
  replyOwnWords(exchange, json({ type: 'status', result: await health.devpiStatus() }));
}

export async function replyMetrics(exchange: Exchange, metrics: Metrics): Promise<void> {
  replyOwnWords(exchange, ownWords(await metrics.text(), { contentType: metrics.contentType }));
}

function json(value: unknown, status = 200) {
  return ownWords(`${JSON.stringify(value, undefined, 2)}\n`, { status, contentType: JSON_TYPE });
}
