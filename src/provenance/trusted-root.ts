import { TrustedRoot } from '@sigstore/protobuf-specs';
import { type TrustMaterial, toTrustMaterial } from '@sigstore/verify';
import { Refusal } from '../bytes/refusal.ts';
import { readObject } from './attestation.ts';
import { encodedOnce } from './encoded-once.ts';
import { plain } from './fields.ts';
import { LIMITS } from './limits.ts';

/** Reads Sigstore's `trusted_root.json`, proved by whoever brings it. Throws Refusal `format` or `limit`. */
export function readTrustedRoot(bytes: Uint8Array): TrustMaterial {
  if (bytes.length > LIMITS.trustedRoot)
    throw new Refusal('limit', `Sigstore's trusted root is larger than ${LIMITS.trustedRoot} bytes.`);
  const read = plain(readObject(bytes));
  try {
    const root = toTrustMaterial(TrustedRoot.fromJSON(read));
    if (root.certificateAuthorities.length === 0 || root.tlogs.length === 0)
      throw new TypeError('it names no certificate authority, or no transparency log');
    for (const { certChain } of [...root.certificateAuthorities, ...root.timestampAuthorities])
      for (const certificate of certChain) encodedOnce(certificate);
    return root;
  } catch (cause) {
    throw new Refusal('format', "Sigstore's trusted root cannot be read.", { cause });
  }
}
