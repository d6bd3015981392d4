import { isListed, maySendPart, strongTag } from '../../bytes/etag.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { FileAnswer } from '../../mirror/package-index.ts';
import type { Exchange } from '../exchange.ts';
import { NOT_SATISFIABLE } from '../reply/answers.ts';
import { replyProblem } from '../reply/doors.ts';
import { replyBlob, replyFileHead, replyFileUnchanged } from '../reply/file-doors.ts';
import type { ResponsePolicy } from '../reply/headers.ts';
import { readRange } from '../reply/ranges.ts';
import type { Wait } from '../waiting.ts';

/** Whether a URL can only ever mean these bytes. */
export type IsImmutable = (sha256: string | undefined) => boolean;

const policies = new WeakMap<ResponsePolicy, ResponsePolicy>();

/** The same answers under the weaker evidence: never mistaken for what a page or a signature states. */
function firstSightPolicy(policy: ResponsePolicy): ResponsePolicy {
  const known = policies.get(policy) ?? { ...policy, evidence: 'first-sight' };
  policies.set(policy, known);
  return known;
}

/** A stored file found changed before its first byte left is fetched again, once, while the client waits. */
const ATTEMPTS = 2;

/**
 * Answers with a file: HEAD from what is listed where that is enough, everything else from proved bytes, for which the
 * client waits. Preconditions come before ranges (RFC 9110 §13.2.2).
 */
export async function answerFile(
  exchange: Exchange,
  of: ResponsePolicy,
  file: FileAnswer,
  isOwnImmutable: IsImmutable,
  wait: Wait,
): Promise<void> {
  // Its address has no digest of its own, and an operator may let other bytes in under it.
  const policy = file.firstSight ? firstSightPolicy(of) : of;
  const isImmutable: IsImmutable = file.firstSight ? () => false : isOwnImmutable;
  const { head, headers } = exchange;
  const listed = file.sha256;
  if (listed !== undefined && isListed(headers['if-none-match'], strongTag(listed)))
    return replyFileUnchanged(exchange, policy, file, isImmutable(listed));
  if (head && file.size !== undefined && (!file.stored || listed !== undefined))
    return replyFileHead(exchange, policy, file, isImmutable(listed));
  for (let attempt = 1; ; attempt++) {
    const blob = await wait(exchange, () => file.open());
    if (exchange.left) return;
    const { size, sha256 } = blob;
    const immutable = isImmutable(sha256);
    const etag = strongTag(sha256);
    if (isListed(headers['if-none-match'], etag)) return replyFileUnchanged(exchange, policy, blob, immutable);
    if (head) return replyFileHead(exchange, policy, blob, immutable);
    const range = maySendPart(headers['if-range']?.toString(), etag) ? readRange(headers.range, size) : 'whole';
    if (range === 'unsatisfiable')
      return replyProblem(exchange, policy, NOT_SATISFIABLE, ['Content-Range', `bytes */${size}`]);
    try {
      if (file.project !== undefined)
        exchange.notes.sent = {
          project: file.project,
          filename: file.filename,
          sha256,
          client: exchange.client,
          reader: exchange.reader,
        };
      const part = range === 'whole' ? undefined : range;
      // In a crowd it waits for its turn to read.
      return await wait(exchange, () => replyBlob(exchange, policy, blob, immutable, part));
    } catch (error) {
      const changed = error instanceof Refusal && error.reason === 'digest' && !exchange.begun;
      if (!changed || attempt === ATTEMPTS) throw error;
    }
  }
}
