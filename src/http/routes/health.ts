import type { Exchange } from '../exchange.ts';
import { replyOwnWords } from '../reply/doors.ts';
import { ownWords } from '../reply/own-words.ts';

/** A Prometheus exposition, made when it is asked for. */
export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
}

const ALIVE = ownWords('alive\n');
const READY = ownWords('ready\n');
const NOT_READY = ownWords('not ready\n', { status: 503 });

/** Alive means that this process answers, nothing more. */
export function replyLive(exchange: Exchange): void {
  replyOwnWords(exchange, ALIVE);
}

/** Ready means that answers may be asked for; upstream and Redis have no say in it, or a whole fleet drops at once. */
export function replyReady(exchange: Exchange, ready: boolean): void {
  replyOwnWords(exchange, ready ? READY : NOT_READY);
}

export async function replyMetrics(exchange: Exchange, metrics: Metrics): Promise<void> {
  replyOwnWords(exchange, ownWords(await metrics.text(), { contentType: metrics.contentType }));
}
