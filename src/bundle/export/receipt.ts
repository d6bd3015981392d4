import { Refusal } from '../../bytes/refusal.ts';
import { DigestSet } from '../format/digest-set.ts';
import { LIMITS } from '../format/limits.ts';

// What a site holds, as one line of heading and a SHA-256 a line. Nobody signs it: a line that is wrong makes the site outside send too much, or
// a bundle whose import names what it lacks.

const FORMAT = 'verbatim-receipt/1';
const LINE = 65;

export function receiptHeading(index: string): string {
  return `${FORMAT} ${index}\n`;
}

/** Throws `format` where it is no receipt of this index, and `limit`. */
export function readReceipt(index: string, bytes: Uint8Array): DigestSet {
  const heading = Buffer.from(receiptHeading(index));
  const rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).subarray(heading.length);
  if (bytes.byteLength < heading.length || heading.compare(bytes, 0, heading.length) !== 0)
    throw new Refusal('format', `This is no receipt of an index called ${index}.`, { subject: 'request' });
  if (rest.length / LINE > LIMITS.entries)
    throw new Refusal('limit', `A receipt has at most ${LIMITS.entries} lines.`, { subject: 'request' });
  const contents = new DigestSet();
  for (let at = 0; at < rest.length; at += LINE) {
    const line = rest.toString('latin1', at, at + LINE);
    if (!/^[0-9a-f]{64}\n$/.test(line))
      throw new Refusal('format', 'The receipt is cut or damaged: write it again.', { subject: 'request' });
    contents.add(line.slice(0, -1));
  }
  return contents;
}
