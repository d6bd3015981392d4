import { lend } from '../../src/bytes/proof.ts';
import type { Root, Timestamp } from '../../src/tuf/model.ts';
import { runToEnd } from '../../src/tuf/sliced.ts';
import { asOf } from '../../src/tuf/stages.ts';
import { openTimestamp } from '../../src/tuf/stored.ts';
import { pinRoot, type TrustedRoot } from '../../src/tuf/trusted-root.ts';
import type { Verified } from '../../src/tuf/verified.ts';
import { START } from './clock.ts';
import { createSimulator } from './simulator.ts';

// Documents that really were signed, for tests that are about something else.

const simulator = createSimulator();

export function trustedRoot(): TrustedRoot {
  return runToEnd(pinRoot(respelled(simulator.rootBytes(1))));
}

/** Its bytes are not those that any serializer writes: what is sent is what was signed. */
export function verifiedRoot(): Verified<Root> {
  return trustedRoot().document;
}

export function verifiedTimestamp(): Verified<Timestamp> {
  return runToEnd(openTimestamp(asOf(trustedRoot(), START), simulator.bytes('timestamp.json')));
}

export function textOf({ bytes }: Pick<Verified<Root>, 'bytes'>): string {
  return Buffer.from(lend(bytes)).toString();
}

function respelled(bytes: Uint8Array): Uint8Array {
  const document: unknown = JSON.parse(Buffer.from(bytes).toString());
  return Buffer.from(`${JSON.stringify(document, undefined, '   ').replaceAll('": ', '" :  ')}\n\t`);
}
