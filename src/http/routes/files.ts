import { isListed, maySendPart, strongTag } from '../../bytes/etag.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { FileAnswer } from '../../mirror/package-index.ts';
import type { Exchange, OnSent } from '../exchange.ts';
import type { Elsewhere } from '../mount.ts';
import { NOT_SATISFIABLE } from '../reply/answers.ts';
import { replyProblem } from '../reply/doors.ts';
import { replyBlob, replyFileElsewhere, replyFileHead, replyFileUnchanged } from '../reply/file-doors.ts';
import type { ResponsePolicy } from '../reply/headers.ts';
import { readRange } from '../reply/ranges.ts';
import type { Wait } from '../waiting.ts';

/** Whether a URL can only ever mean these bytes. */
export type IsImmutable = (sha256: string | undefined) => boolean;

interface Served {
  readonly isImmutable: IsImmutable;
  readonly wait: Wait;
  readonly onSent: OnSent;
  /** Left out for what is always sent from here. */
  readonly elsewhere?: Elsewhere | undefined;
}

/** Undefined where it is what a page or a signature states today. */
function evidenceOf({ removed, firstSight, carried }: FileAnswer): ResponsePolicy['evidence'] | undefined {
  if (removed) return 'removed';
  if (firstSight) return 'first-sight';
  return carried;
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
  { isImmutable: isOwnImmutable, wait, elsewhere, onSent }: Served,
): Promise<void> {
  const evidence = evidenceOf(file);
  const policy = evidence === undefined ? of : { ...of, evidence };
  // The address of a first sight, or of what a manifest alone names, has no digest of its own, and an operator may let other bytes in under it; what was removed may be refused tomorrow.
  const isImmutable: IsImmutable = evidence === undefined ? isOwnImmutable : () => false;
  const { head, headers } = exchange;
  const listed = file.sha256;
  if (listed !== undefined && isListed(headers['if-none-match'], strongTag(listed)))
    return replyFileUnchanged(exchange, policy, file, isImmutable(listed));
  if (head && file.size !== undefined && (!file.stored || listed !== undefined))
    return replyFileHead(exchange, policy, file, isImmutable(listed));
  let kept: Promise<void> | undefined;
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
    const { project, filename } = file;
    const { client, reader } = exchange;
    if (project !== undefined) kept ??= onSent({ index: of.name, project, filename, sha256, client, reader });
    const location = evidence !== undefined || !mayGoElsewhere(headers) ? undefined : await elsewhere?.(blob);
    if (location !== undefined) {
      await kept;
      return replyFileElsewhere(exchange, policy, blob, location);
    }
    try {
      const part = range === 'whole' ? undefined : range;
      // In a crowd it waits for its turn to read.
      return await wait(exchange, () => replyBlob(exchange, policy, blob, immutable, part, kept));
    } catch (error) {
      const changed = error instanceof Refusal && error.reason === 'digest' && !exchange.begun;
      if (!changed || attempt === ATTEMPTS) throw error;
    }
  }
}

/** A signed address is for a whole GET: a part of it, and a client that brings credentials of its own, are refused there. */
function mayGoElsewhere(headers: Exchange['headers']): boolean {
  return headers.range === undefined && headers['if-range'] === undefined && headers.authorization === undefined;
}
