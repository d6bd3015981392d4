import { Refusal } from '../../bytes/refusal.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a document. Throws `format` where it is not UTF-8. */
export function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new Refusal('format', 'Not well-formed UTF-8.', { cause });
  }
}

/** A string with escapes, quotes included. */
export function unescaped(quoted: string, at: number): string {
  let text: string;
  try {
    text = String(JSON.parse(quoted));
  } catch {
    throw malformed('a bad escape', at);
  }
  if (!text.isWellFormed()) throw malformed('a lone surrogate', at);
  return text;
}

/** What is wrong, and where in the text. */
export function malformed(what: string, at: number): Refusal {
  return new Refusal('format', `Not strict JSON: ${what} at character ${at}.`);
}
