import type { Exchange } from '../../../../src/http/exchange.ts';

export function serve(exchange: Exchange, evil: string): void {
  const { outgoing: out } = exchange; // refused: absent
  out.end(evil);
}
