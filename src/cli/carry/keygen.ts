import { resolve } from 'node:path';
import { makeKey } from '../../bundle/format/keys.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { claimFiles } from '../../disk/bundles/claim-files.ts';
import { nodeFileOps } from '../../disk/file-ops.ts';
import { askSecret } from '../ask-secret.ts';
import { print, printJson, say } from '../output.ts';

const PRIVATE_FILE = 0o600;
const OPEN_FILE = 0o644;

/** `verbatim keygen FILE`: two files, neither of which may be there already. */
export async function keygen(file: string, hasPassphrase: boolean, json: boolean): Promise<void> {
  const passphrase = hasPassphrase ? await newPassphrase() : undefined;
  const key = await makeKey(passphrase);
  const path = resolve(file);
  const taken = await claimFiles(nodeFileOps, [
    { path, mode: PRIVATE_FILE, bytes: Buffer.from(key.privateFile) },
    { path: `${path}.pub`, mode: OPEN_FILE, bytes: Buffer.from(key.publicFile) },
  ]);
  if (taken !== undefined)
    throw new Refusal('state', `${taken} exists already, and a key is never written over: name another file.`, {
      subject: 'request',
    });
  const { id, public: raw } = key;
  if (json) printJson({ file: path, publicFile: `${path}.pub`, id, public: raw, encrypted: passphrase !== undefined });
  else {
    print(
      `${path}: signs bundles; keep it. ${passphrase === undefined ? 'Whoever reads it can sign.' : 'It needs its passphrase.'}`,
    );
    print(`${path}.pub: for the site that receives them.`);
    print(`Its public key is ${raw}.`);
    say('It binds one site to itself: no client of a mirror trusts it.');
  }
}

async function newPassphrase(): Promise<string> {
  const passphrase = await askSecret('Passphrase for the new key: ');
  if (passphrase === '')
    throw new Refusal(
      'format',
      'An empty passphrase encrypts nothing, so no key was made: type one at a terminal, or send it as a line by a pipe. Without --passphrase the key is not encrypted.',
      { subject: 'request' },
    );
  return passphrase;
}
