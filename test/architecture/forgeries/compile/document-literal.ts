import type { Exchange } from '../../../../src/http/exchange.ts';
import { replyDocument } from '../../../../src/http/reply/doors.ts';
import type { ResponsePolicy } from '../../../../src/http/reply/headers.ts';

export function serve(exchange: Exchange, policy: ResponsePolicy, evil: Uint8Array): void {
  replyDocument(exchange, policy, { bytes: evil, immutable: true }); // refused: absent
  replyDocument(exchange, policy, { document: { bytes: evil }, immutable: true }); // refused: no Verified
}
