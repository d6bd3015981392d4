import { X509Certificate as Certificate } from 'node:crypto';
import { X509Certificate } from '@sigstore/core';

/** Who a signing certificate was made out to: facts that Fulcio took from the publisher's own sign-in (Fulcio's OIDs below 1.3.6.1.4.1.57264.1). */
export interface Identity {
  /** Where the publisher signed in. */
  readonly issuer: string;
  readonly subject: string | undefined;
  readonly buildSigner: string | undefined;
  readonly repository: string | undefined;
  readonly digest: string | undefined;
  readonly ref: string | undefined;
  /** Does not change when an account is renamed, and is not given out again. */
  readonly repositoryId: string | undefined;
  readonly ownerId: string | undefined;
  readonly buildConfig: string | undefined;
}

const FULCIO = '1.3.6.1.4.1.57264.1.';
const UTF8_STRING = 0x0c;
/** PEP 740 wants a certificate for signing code. */
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';

/** Undefined for bytes that are no certificate of a signer (DER, whole, RFC 5280). */
export function readCertificate(der: Buffer<ArrayBuffer>): X509Certificate | undefined {
  try {
    const certificate = new Certificate(der);
    // What stands behind it nobody has signed.
    if (!certificate.raw.equals(der) || certificate.ca) return undefined;
    if (!(certificate.keyUsage ?? []).includes(CODE_SIGNING)) return undefined;
    return X509Certificate.parse(der);
  } catch {
    return undefined;
  }
}

/** Undefined where the certificate does not say who signed in, and where. */
export function identityOf(certificate: X509Certificate): Identity | undefined {
  const claim = (number: number) => readClaim(certificate.extension(`${FULCIO}${number}`)?.value);
  const issuer = claim(8);
  if (issuer === undefined) return undefined;
  return {
    issuer,
    subject: certificate.subjectAltName,
    buildSigner: claim(9),
    repository: claim(12),
    digest: claim(13),
    ref: claim(14),
    repositoryId: claim(15),
    ownerId: claim(17),
    buildConfig: claim(18),
  };
}

/** A UTF8String in DER, the whole of it; no claim is longer than 65,535 bytes. */
function readClaim(der: Buffer | undefined): string | undefined {
  if (der === undefined || der[0] !== UTF8_STRING) return undefined;
  const first = der[1] ?? 0;
  const lengthBytes = first < 0x80 ? 0 : first - 0x80;
  if (lengthBytes > 2) return undefined;
  const length = lengthBytes === 0 ? first : der.readUIntBE(2, lengthBytes);
  const content = der.subarray(2 + lengthBytes);
  return content.length === length ? content.toString('utf8') : undefined;
}
