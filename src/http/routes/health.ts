import type { ServerResponse } from 'node:http';
import type { Exchange } from '../exchange.ts';

/** A Prometheus exposition, made when it is asked for. */
export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
}

/** Alive means that this process answers, nothing more. */
export function replyLive({ outgoing, head }: Exchange): void {
  send(outgoing, head, 200, 'text/plain; charset=UTF-8', 'alive\n');
}

/** Ready means that answers may be asked for; upstream and Redis have no say in it, or a whole fleet drops at once (DESIGN §9). */
export function replyReady({ outgoing, head }: Exchange, ready: boolean): void {
  send(outgoing, head, ready ? 200 : 503, 'text/plain; charset=UTF-8', ready ? 'ready\n' : 'not ready\n');
}

export async function replyMetrics({ outgoing, head }: Exchange, metrics: Metrics): Promise<void> {
  send(outgoing, head, 200, metrics.contentType, await metrics.text());
}

function send(outgoing: ServerResponse, head: boolean, status: number, contentType: string, text: string): void {
  const bytes = Buffer.from(text);
  outgoing.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': bytes.byteLength,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  outgoing.end(head ? undefined : bytes);
}
