import type { IncomingMessage, ServerResponse } from 'node:http';
import { Exchange } from '../../../../src/http/exchange.ts';

export function forge(incoming: IncomingMessage, outgoing: ServerResponse): Exchange {
  return new Exchange(incoming, outgoing); // refused: private
}
