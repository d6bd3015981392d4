import type { X509Certificate } from '@sigstore/core';

/**
 * Has the certificate answer with the encoding that it has now. Finding the path to an authority compares and verifies its
 * certificates many times, and each time the library would encode every field of them again: most of the time that a
 * verification takes. Throws what the library does where it is no certificate.
 */
export function encodedOnce(certificate: X509Certificate): X509Certificate {
  const { root, tbsCertificate, publicKey } = certificate;
  // The inner one first: the whole is made of it.
  for (const each of [tbsCertificate, root]) {
    const encoded = each.toDER();
    each.toDER = () => encoded;
  }
  return Object.defineProperty(certificate, 'publicKey', { value: publicKey });
}
