import { AdvisoryAnswer } from '../../advisories/answer.ts';
import { mustBe } from '../../bytes/proof.ts';
import { ClientLeft, type Exchange, outgoingOf } from '../exchange.ts';
import { advisoryHeaders } from './headers.ts';
import { begin, handOver, sendHeaders } from './sending.ts';

/**
 * What the feed of advisories says, piece by piece. The headers go with the first piece: a refusal before it leaves the answer open for another; one
 * after it must end in `replyError`.
 */
export async function replyAdvisories(exchange: Exchange, answer: AdvisoryAnswer): Promise<void> {
  const { length } = mustBe(AdvisoryAnswer, answer);
  const outgoing = outgoingOf(exchange);
  const headers = advisoryHeaders(length);
  if (exchange.head) return sendHeaders(outgoing, 200, headers);
  const { signal } = exchange.callerOf('');
  const { notes } = exchange;
  try {
    for await (const piece of answer.pieces()) {
      if (!exchange.begun) {
        notes.promised = length;
        // Node then refuses to send more or fewer bytes than the headers promise.
        outgoing.strictContentLength = true;
        begin(outgoing, 200, headers);
      }
      await handOver(exchange, outgoing, piece, signal);
      notes.bytes += piece.byteLength;
    }
    outgoing.end();
  } catch (error) {
    if (!signal.aborted && !(error instanceof ClientLeft)) throw error;
  }
}
