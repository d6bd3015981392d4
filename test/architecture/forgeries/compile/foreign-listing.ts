import type { Exchange } from '../../../../src/http/exchange.ts';
import { replyPage } from '../../../../src/http/reply/doors.ts';
import type { PageHeaders } from '../../../../src/http/reply/headers.ts';
import type { Listing } from '../../../../src/pypi/listing.ts';
import type { Variant } from '../../../../src/render/page.ts';
import { renderPage } from '../../../../src/render/render.ts';

export async function serve(
  exchange: Exchange,
  evil: Listing,
  headersOf: (variant: Variant) => PageHeaders,
): Promise<void> {
  const page = await renderPage(evil);
  replyPage(exchange, page, { format: 'json', coding: 'identity' }, headersOf); // refused: no Page
}
