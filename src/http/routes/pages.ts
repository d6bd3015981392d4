import type { ServedPage } from '../../mirror/package-index.ts';
import { type Choice, chooseCoding, chooseFormat } from '../../render/negotiate.ts';
import { VARY } from '../../render/page.ts';
import type { Exchange } from '../exchange.ts';
import { MADE_WHOLE, MAX_NEGOTIATIONS, MAX_REMEMBERED_HEADER } from '../limits.ts';
import { NOT_ACCEPTABLE } from '../reply/answers.ts';
import { replyPage, replyPlainPage, replyProblem } from '../reply/doors.ts';
import type { PageHeadersOf, ResponsePolicy } from '../reply/headers.ts';

/** Works out what Accept and Accept-Encoding ask for; undefined where the client takes nothing we have (406). */
export type Negotiate = (accept: string | undefined, acceptEncoding: string | undefined) => Choice | undefined;

function negotiate(accept: string | undefined, acceptEncoding: string | undefined): Choice | undefined {
  const format = chooseFormat(accept);
  return format === undefined ? undefined : { format, coding: chooseCoding(acceptEncoding) };
}

/** `negotiate`, remembered by the headers as sent; real clients send about twenty pairs, and what is past the limit is forgotten whole. */
export function createNegotiate(): Negotiate {
  // One map in the other: the raw headers are never joined, which on every hit would cost more than the look-up.
  const known = new Map<string | undefined, Map<string | undefined, Choice | undefined>>();
  let size = 0;
  return (accept, acceptEncoding) => {
    const remembered = known.get(accept)?.get(acceptEncoding);
    if (remembered !== undefined) return remembered;
    const choice = negotiate(accept, acceptEncoding);
    if ((accept?.length ?? 0) + (acceptEncoding?.length ?? 0) > MAX_REMEMBERED_HEADER) return choice;
    if (++size > MAX_NEGOTIATIONS) {
      known.clear();
      size = 1;
    }
    const codings = known.get(accept) ?? new Map<string | undefined, Choice | undefined>();
    codings.set(acceptEncoding, choice);
    known.set(accept, codings);
    return choice;
  };
}

/** Answers with a page in the form the client takes; `format` is the query's and wins (PEP 691). Ranges are ignored. */
export async function answerPage(
  exchange: Exchange,
  policy: ResponsePolicy,
  { page, life }: ServedPage,
  headersOf: PageHeadersOf,
  format: string | undefined,
): Promise<void> {
  const { headers, notes } = exchange;
  const chosen = chooseFormat(headers.accept, format);
  if (chosen === undefined) {
    replyProblem(exchange, policy, NOT_ACCEPTABLE, ['Vary', VARY]);
    return;
  }
  const choice = { format: chosen, coding: chooseCoding(headers['accept-encoding']?.toString()) };
  if (!page.has(choice) && page.plainFacts(chosen).body.length > MADE_WHOLE) {
    await replyPlainPage(exchange, page, chosen, headersOf, { index: policy.name, life });
    return;
  }
  const ready = await page.with(choice);
  if (!exchange.left) notes.bytes = replyPage(exchange, ready, choice, headersOf, life);
}
