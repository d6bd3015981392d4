import { statSync } from 'node:fs';
import { readGiven } from '../../app/given-file.ts';
import { openKey, parsePublicKey, type SigningKey } from '../../bundle/format/keys.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { askSecret } from '../ask-secret.ts';
import { say } from '../output.ts';

const READ_BY_OTHERS = 0o004;

/** The keys that are to sign, opened before anything is looked at. Throws Refusal that names the file. */
export async function signingKeys(paths: readonly string[]): Promise<readonly SigningKey[]> {
  const keys: SigningKey[] = [];
  for (const path of paths) keys.push(await opened(path));
  return keys;
}

async function opened(path: string): Promise<SigningKey> {
  const file = readGiven(path, 'a signing key');
  let isEncrypted = false;
  try {
    const key = await openKey(file, async () => {
      isEncrypted = true;
      const passphrase = await askSecret(`Passphrase of ${path}: `);
      return passphrase === '' ? undefined : passphrase;
    });
    if (!isEncrypted && (statSync(path).mode & READ_BY_OTHERS) !== 0)
      say(`Every user of this machine can read ${path}, and sign with it: chmod 600 ${path}`);
    return key;
  } catch (error) {
    throw ofFile(path, error);
  }
}

/** A public key that is to be told of: 64 hex digits. Throws Refusal that names the file. */
export function publicKeyIn(path: string): string {
  const file = readGiven(path, 'a public key').toString('latin1');
  try {
    return parsePublicKey(file);
  } catch (error) {
    throw ofFile(path, error);
  }
}

function ofFile(path: string, error: unknown): unknown {
  if (!(error instanceof Refusal)) return error;
  const message = `${path}: ${error.message} Nothing was exported, and no number was taken.`;
  return new Refusal(error.reason, message, { subject: 'request', cause: error.cause });
}
