import type { Exchange } from '../../../../src/http/exchange.ts';
import { replyDocument } from '../../../../src/http/reply/doors.ts';
import type { Manner } from '../../../../src/http/reply/headers.ts';

export function serve(exchange: Exchange, manner: Manner, evil: Uint8Array): void {
  replyDocument(exchange, manner, { bytes: evil, immutable: true }); // refused: absent
  replyDocument(exchange, manner, { document: { bytes: evil }, immutable: true }); // refused: no Verified
}
