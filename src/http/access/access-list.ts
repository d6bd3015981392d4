import { isDigest } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { MAX_ACCESS_LINES } from '../limits.ts';
import { type PasswordHash, readPasswordHash, whyNoHash } from './passwords.ts';

/** Who may read. */
export interface AccessList {
  readonly users: ReadonlyMap<string, PasswordHash>;
  readonly tokens: readonly Token[];
}

interface Token {
  /** Whom it was given to, for people. */
  readonly name: string;
  readonly sha256: Buffer;
}

/**
 * A file of users as `htpasswd -B` writes it: `NAME:HASH` a line, of bcrypt or of `hash-password`'s scrypt. Throws Refusal `format` that
 * names the line, never what it holds.
 */
export function readUsers(text: string, file: string): AccessList['users'] {
  const users = new Map<string, PasswordHash>();
  for (const [number, line] of linesOf(text, file)) {
    const colon = line.indexOf(':');
    const hash = readPasswordHash(line.slice(colon + 1));
    if (colon < 1 || hash === undefined) {
      const what = colon < 1 ? 'is not NAME:HASH' : `has ${whyNoHash(line.slice(colon + 1))}`;
      throw new Refusal(
        'format',
        `Line ${number} of ${file} ${what}. Make a good one with "htpasswd -B -C 12 ${file} NAME" or "verbatim hash-password NAME".`,
        { subject: 'state' },
      );
    }
    if (users.has(line.slice(0, colon)))
      throw new Refusal('format', `Line ${number} of ${file} names somebody a second time.`, { subject: 'state' });
    users.set(line.slice(0, colon), hash);
  }
  return users;
}

/** A file of tokens: `NAME:SHA256HEX` a line; the name is for the reader of the file. Throws as `readUsers` does. */
export function readTokens(text: string, file: string): AccessList['tokens'] {
  const tokens: Token[] = [];
  for (const [number, line] of linesOf(text, file)) {
    const [name = '', hex = '', ...more] = line.split(':');
    if (name === '' || more.length > 0 || !isDigest('sha256', hex))
      throw new Refusal(
        'format',
        `Line ${number} of ${file} is not NAME:SHA256HEX; make one with "verbatim hash-password --token NAME".`,
        { subject: 'state' },
      );
    tokens.push({ name, sha256: Buffer.from(hex, 'hex') });
  }
  return tokens;
}

function linesOf(text: string, file: string): readonly (readonly [number: number, line: string])[] {
  const lines = text
    .split('\n')
    .map((line, at) => [at + 1, line.trim()] as const)
    .filter(([, line]) => line !== '' && !line.startsWith('#'));
  if (lines.length > MAX_ACCESS_LINES)
    throw new Refusal('limit', `${file} has more than ${MAX_ACCESS_LINES} lines.`, { subject: 'state' });
  return lines;
}
