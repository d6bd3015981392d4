import { createHash, randomBytes } from 'node:crypto';
import { Refusal } from '../bytes/refusal.ts';
import { hashPassword } from '../http/access/passwords.ts';
import { askSecret } from './ask-secret.ts';
import { print, say } from './output.ts';

const TOKEN_BYTES = 32;

/** `verbatim hash-password NAME`: a line for the file of users, or with `token` one for the file of tokens. */
export async function hashPasswordFor(name: string, token: boolean): Promise<void> {
  if (!/^[^\s:#][^\r\n:]{0,255}$/.test(name))
    throw new Refusal('format', 'A name holds no colon and no line break, and begins with neither # nor a space.', {
      subject: 'request',
    });
  if (token) {
    const made = `verbatim-${randomBytes(TOKEN_BYTES).toString('base64url')}`;
    print(`${name}:${createHash('sha256').update(made).digest('hex')}`);
    say(`The token, shown this once: ${made}`);
    return;
  }
  const password = await askSecret(`Password for ${name}: `);
  if (password === '') throw new Refusal('format', 'An empty password lets everybody in.', { subject: 'request' });
  print(`${name}:${await hashPassword(password)}`);
}
