import type { Exchange } from '../../../../src/http/exchange.ts';
import { replyBlob, replyFileHead } from '../../../../src/http/reply/file-doors.ts';
import type { ResponsePolicy } from '../../../../src/http/reply/headers.ts';
import type { FileAnswer } from '../../../../src/mirror/package-index.ts';
import type { Blob } from '../../../../src/ports/blob.ts';

export async function serve(exchange: Exchange, policy: ResponsePolicy, blob: Blob): Promise<FileAnswer> {
  replyFileHead(exchange, policy, { size: 1, sha256: 'ab' }, true); // refused: no FileAnswer
  const { sha256, size, send } = blob;
  await replyBlob(exchange, policy, { sha256, size, send, bytes: blob.bytes }, true, undefined, undefined); // refused: no Blob
  return { filename: 'a', project: undefined, size: 1, sha256, held: true, open: async () => blob }; // refused: no FileAnswer
}
