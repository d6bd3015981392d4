import type { Exchange } from '../../../../src/http/exchange.ts';
import { replyOwnWords, replyProblem } from '../../../../src/http/reply/doors.ts';

export function serve(exchange: Exchange, evil: string): void {
  replyOwnWords(exchange, evil); // refused: no OwnWords
  replyOwnWords(exchange, { text: evil, status: 200, contentType: 'text/html' }); // refused: no OwnWords
  replyProblem(exchange, undefined, { status: 200, phrase: 'OK', detail: evil }); // refused: no Answer
}
