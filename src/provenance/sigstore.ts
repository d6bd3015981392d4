import { type Bundle, bundleFromJSON } from '@sigstore/bundle';
import { pem, RFC3161Timestamp, type X509Certificate } from '@sigstore/core';
import { type TrustMaterial, toSignedEntity, Verifier } from '@sigstore/verify';
import { type Attestation, readObject } from './attestation.ts';
import { encodedOnce } from './encoded-once.ts';
import { base64, few, member, object } from './fields.ts';
import { readCertificate } from './identity.ts';
import { isFramed } from './timestamp-frame.ts';

/** In-toto's envelope type, which the signature covers (DSSE). */
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
/** Rekor's first generation, and its second. */
const FORMS: ReadonlySet<string> = new Set(['dsse 0.0.1', 'dsse 0.0.2']);

/** Who signed it, where Sigstore proves that somebody did. */
export type Signed =
  | { readonly result: 'signed'; readonly certificate: X509Certificate }
  | { readonly result: 'refused' | 'unchecked'; readonly why: string };

/**
 * Signature, certificate at the time of signing, its SCT, and the log's entry, by what is believed of Sigstore. What the root
 * does not know cannot be checked: it may be older than what signed.
 */
export function checkSigned(attestation: Attestation, root: TrustMaterial): Signed {
  const certificate = readCertificate(attestation.certificate);
  if (certificate === undefined) return refused('its certificate is not one for signing');
  try {
    const unknown = unknownTo(attestation, certificate, root);
    if (unknown !== undefined) return { result: 'unchecked', why: unknown };
    const entity = toSignedEntity(bundleOf(attestation));
    if (entity.key.$case === 'certificate') encodedOnce(entity.key.certificate);
    new Verifier(root).verify(entity);
    if (!attestation.entries.every(({ body }) => namesCertificate(body, attestation.certificate)))
      return refused('the log was shown another certificate');
  } catch (error) {
    // Parsers of DER and protobuf throw whatever they come across in bytes that are none of theirs.
    if (error instanceof Error) return refused(`it does not hold (${error.message})`);
    throw error;
  }
  return { result: 'signed', certificate };
}

/** Whoever watches the log sees this certificate: its entry names it, in either generation's form (Rekor's `dsse` type). */
function namesCertificate(body: Buffer, certificate: Buffer): boolean {
  const spec = member(readObject(body), 'spec', 'the log entry');
  const second = spec.get('dsseV002');
  const [only, ...others] = few(
    (second === undefined ? spec : object(second, 'dsseV002')).get('signatures'),
    'signatures',
    1,
  );
  const verifier = object(only, 'signatures').get('verifier');
  const written =
    typeof verifier === 'string'
      ? pem.toDER(Buffer.from(verifier, 'base64').toString('latin1'))
      : base64(member(object(verifier, 'verifier'), 'x509Certificate', 'verifier').get('rawBytes'), 'verifier');
  return others.length === 0 && written.equals(certificate);
}

function refused(why: string): Signed {
  return { result: 'refused', why };
}

/** What of it this root has nothing to check by. */
function unknownTo({ entries, timestamps }: Attestation, certificate: X509Certificate, root: TrustMaterial) {
  for (const { kind, version, logId } of entries) {
    if (!FORMS.has(`${kind} ${version}`))
      return `its log entry is of a form that is not known here (${kind} ${version})`;
    if (!root.tlogs.some((log) => log.logID.equals(logId)))
      return 'its transparency log is none that the trusted root knows';
  }
  const { certificateAuthorities, ctlogs, timestampAuthorities } = root;
  const issuers = certificateAuthorities.flatMap(({ certChain }) => certChain);
  if (!issuers.some((each) => mayHaveIssued(each, certificate)))
    return 'its certificate was issued by nobody whom the trusted root knows';
  const promises = certificate.extSCT?.signedCertificateTimestamps ?? [];
  if (promises.some(({ logID }) => !ctlogs.some((log) => log.logID.equals(logID))))
    return 'its certificate is in a log that the trusted root does not know';
  const authorities = timestampAuthorities.map(({ certChain: [signer] }) => signer);
  const isKnown = (timestamp: Buffer<ArrayBuffer>) => {
    const { signerIssuer, signerSerialNumber } = RFC3161Timestamp.parse(timestamp);
    return authorities.some(
      (each) => each?.issuer.equals(signerIssuer) && each.serialNumber.equals(signerSerialNumber),
    );
  };
  const beside = timestampAuthorities.flatMap(({ certChain }) => certChain.map((each) => each.root.toDER()));
  if (!timestamps.every((timestamp) => isFramed(timestamp, beside)))
    return 'its time is signed in a form that is not known here';
  if (!timestamps.every(isKnown)) return 'its time is signed by nobody whom the trusted root knows';
  return undefined;
}

/** An authority keeps its name when it has a new key: where both say which key it was, that counts. */
function mayHaveIssued(authority: X509Certificate, { issuer, extAuthorityKeyID }: X509Certificate): boolean {
  const [own, named] = [authority.extSubjectKeyID?.keyIdentifier, extAuthorityKeyID?.keyIdentifier];
  if (own !== undefined && named !== undefined) return own.equals(named);
  return authority.subject.equals(issuer);
}

/** The same as a Sigstore bundle: the form that its libraries verify. */
function bundleOf({ certificate, statement, signature, entries, timestamps }: Attestation): Bundle {
  return bundleFromJSON({
    mediaType: BUNDLE,
    verificationMaterial: {
      certificate: { rawBytes: certificate.toString('base64') },
      tlogEntries: entries.map(({ json }) => json),
      timestampVerificationData: {
        rfc3161Timestamps: timestamps.map((each) => ({ signedTimestamp: each.toString('base64') })),
      },
    },
    dsseEnvelope: {
      payload: statement.toString('base64'),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: signature.toString('base64'), keyid: '' }],
    },
  });
}
