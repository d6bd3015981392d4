import type { Exchange } from '../../../../src/http/exchange.ts';
import { replyPage } from '../../../../src/http/reply/doors.ts';
import type { PageHeaders } from '../../../../src/http/reply/headers.ts';
import type { Variant } from '../../../../src/render/page.ts';

export function serve(exchange: Exchange, evil: Variant, headersOf: (variant: Variant) => PageHeaders): void {
  replyPage(exchange, evil, { format: 'json', coding: 'identity' }, headersOf); // refused: no Page
}
