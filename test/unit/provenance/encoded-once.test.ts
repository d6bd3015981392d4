import { X509Certificate } from '@sigstore/core';
import { expect, it } from 'vitest';
import { encodedOnce } from '../../../src/provenance/encoded-once.ts';
import { production } from './sources.ts';

it('certificates of the trusted root are encoded once, and as they were read', async () => {
  const { root } = await production();
  const trusted = [...root.certificateAuthorities, ...root.timestampAuthorities].flatMap(({ certChain }) => certChain);
  expect(trusted.length).toBeGreaterThan(1);
  for (const certificate of trusted) {
    const again = X509Certificate.parse(Buffer.from(certificate.root.toDER()));
    for (const encoded of [
      (each: X509Certificate) => each.root.toDER(),
      (each: X509Certificate) => each.tbsCertificate.toDER(),
      (each: X509Certificate) => each.publicKey,
    ]) {
      expect(encoded(certificate)).toEqual(encoded(again));
      expect(encoded(certificate)).toBe(encoded(certificate));
      expect(encoded(again)).not.toBe(encoded(again));
    }
    expect(encodedOnce(again).equals(certificate)).toBe(true);
  }
});
