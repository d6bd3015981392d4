import type { Exchange } from '../../../../src/http/exchange.ts';

export function serve(exchange: Exchange, evil: string): void {
  exchange['outgoing']['end'](evil); // refused: absent
  exchange['incoming'].socket.write(evil); // refused: absent
}
