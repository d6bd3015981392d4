import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { initializeCA, initializeCTLog, initializeTSA } from '@sigstore/mock';

// A Sigstore of one's own: an authority, logs and a clock that sign for whoever the test wants to be.

const LOG_HOST = 'rekor.example.test';
const FULCIO = '1.3.6.1.4.1.57264.1.';
const SHA256_OID = '2.16.840.1.101.3.4.2.1';
const DSSE_TYPE = 'application/vnd.in-toto+json';

const newKeys = (curve = 'prime256v1') => generateKeyPairSync('ec', { namedCurve: curve });
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const sha256 = (...bytes: Uint8Array[]) => createHash('sha256').update(Buffer.concat(bytes)).digest();
const spki = (key: KeyObject) => key.export({ format: 'der', type: 'spki' });

/** The claims that a certificate bears, by the last number of their OID. */
export type Claims = Readonly<Record<number, string>>;

export const GITHUB_CLAIMS: Claims = {
  8: 'https://token.actions.githubusercontent.com',
  12: 'https://github.com/octo/mill',
  13: 'a'.repeat(40),
  14: 'refs/tags/v1',
  15: '4711',
  17: '42',
  18: 'https://github.com/octo/mill/.github/workflows/release.yml@refs/tags/v1',
};

export const GITHUB_PUBLISHER = { kind: 'GitHub', repository: 'octo/mill', workflow: 'release.yml' };

export interface Wanted {
  /** The generation of the transparency log. */
  readonly rekor?: 1 | 2;
  readonly claims?: Claims;
  readonly subject?: string;
  /** Of the certificate that the log was shown, where it is another one for the same key. */
  readonly shown?: Claims;
  /** The whole statement, in place of the usual one about `file`. */
  readonly statement?: unknown;
}

export interface TestSigstore {
  /** What a mirror believes of it. */
  readonly trustedRoot: Readonly<Record<string, unknown>>;
  attest(file: { readonly filename: string; readonly sha256: string }, wanted?: Wanted): Promise<TestAttestation>;
}

/** PEP 740's attestation object. */
export type TestAttestation = Readonly<Record<string, unknown>>;

export async function startSigstore(at = new Date(Math.ceil(Date.now() / 1000 + 1) * 1000)): Promise<TestSigstore> {
  const [forCa, forCt, forTsa, log] = [newKeys('secp384r1'), newKeys(), newKeys('secp384r1'), newKeys()];
  const ct = await initializeCTLog(forCt, at);
  const ca = await initializeCA(forCa, ct, at);
  const tsa = await initializeTSA(forTsa, at);
  const logId = sha256(spki(log.publicKey));
  const always = { start: '2020-01-01T00:00:00Z' };

  const keyOf = (bytes: Uint8Array) => ({
    rawBytes: base64(bytes),
    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
    validFor: always,
  });
  const trustedRoot = {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [
      {
        baseUrl: `https://${LOG_HOST}`,
        hashAlgorithm: 'SHA2_256',
        publicKey: keyOf(spki(log.publicKey)),
        logId: { keyId: base64(logId) },
      },
    ],
    certificateAuthorities: [{ certChain: chainOf(ca.rootCertificate), validFor: always }],
    ctlogs: [
      {
        baseUrl: 'https://ct.example.test',
        hashAlgorithm: 'SHA2_256',
        publicKey: keyOf(ct.publicKey),
        logId: { keyId: base64(bytesOf(ct.logID)) },
      },
    ],
    timestampAuthorities: [{ certChain: chainOf(tsa.intCertificate, tsa.rootCertificate), validFor: always }],
  };

  async function attest(
    { filename, sha256: digest }: { readonly filename: string; readonly sha256: string },
    {
      rekor = 1,
      claims = GITHUB_CLAIMS,
      subject = claims[18] ?? 'https://example.test/',
      statement,
      shown,
    }: Wanted = {},
  ): Promise<TestAttestation> {
    const signer = newKeys();
    const issue = async (of: Claims) =>
      bytesOf(
        await ca.issueCertificate({
          publicKey: Uint8Array.from(spki(signer.publicKey)),
          subjectAltName: subject,
          extensions: Object.entries(of).map(([number, value]) => ({ oid: FULCIO + number, value })),
        }),
      );
    const certificate = await issue(claims);
    const logged = shown === undefined ? certificate : await issue(shown);
    const said = statement ?? {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: filename, digest: { sha256: digest } }],
      predicateType: 'https://docs.pypi.org/attestations/publish/v1',
      predicate: null,
    };
    const payload = Buffer.from(JSON.stringify(said));
    const envelope = Buffer.concat([
      Buffer.from(`DSSEv1 ${DSSE_TYPE.length} ${DSSE_TYPE} ${payload.length} `),
      payload,
    ]);
    const signature = sign('sha256', envelope, signer.privateKey);
    const body = Buffer.from(
      JSON.stringify(rekor === 1 ? first(logged, payload, signature) : second(logged, payload, signature)),
    );
    const stamped = {
      artifactHash: sha256(signature),
      hashAlgorithmOID: SHA256_OID,
      nonce: 1,
      policyOID: '1.3.6.1.4.1.57264.2',
    };
    return {
      version: 1,
      verification_material: {
        certificate: base64(certificate),
        transparency_entries: [entry(body, rekor)],
        ...(rekor === 2 ? { timestamps: [base64(bytesOf(await tsa.timestamp(stamped)))] } : {}),
      },
      envelope: { statement: base64(payload), signature: base64(signature) },
    };
  }

  /** The only entry of its log. */
  function entry(body: Buffer, rekor: 1 | 2) {
    const root = sha256(Buffer.from([0]), body);
    const note = `${LOG_HOST} - 1\n1\n${base64(root)}\n`;
    const mark = Buffer.concat([logId.subarray(0, 4), sign('sha256', Buffer.from(note), log.privateKey)]);
    const integratedTime = at.getTime() / 1000;
    const promised = {
      body: base64(body),
      integratedTime,
      logID: logId.toString('hex'),
      logIndex: 0,
    };
    return {
      logIndex: '0',
      logId: { keyId: base64(logId) },
      kindVersion: { kind: 'dsse', version: rekor === 1 ? '0.0.1' : '0.0.2' },
      ...(rekor === 1
        ? {
            integratedTime: String(integratedTime),
            inclusionPromise: {
              signedEntryTimestamp: base64(sign('sha256', Buffer.from(JSON.stringify(promised)), log.privateKey)),
            },
          }
        : {}),
      inclusionProof: {
        logIndex: '0',
        rootHash: base64(root),
        treeSize: '1',
        hashes: [],
        checkpoint: { envelope: `${note}\n\u2014 ${LOG_HOST} ${base64(mark)}\n` },
      },
      canonicalizedBody: base64(body),
    };
  }

  return { trustedRoot, attest };
}

function first(certificate: Buffer, payload: Buffer, signature: Buffer) {
  return {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      payloadHash: { algorithm: 'sha256', value: sha256(payload).toString('hex') },
      signatures: [{ signature: base64(signature), verifier: base64(Buffer.from(pemOf(certificate))) }],
    },
  };
}

function second(certificate: Buffer, payload: Buffer, signature: Buffer) {
  return {
    apiVersion: '0.0.2',
    kind: 'dsse',
    spec: {
      dsseV002: {
        payloadHash: { algorithm: 'SHA2_256', digest: base64(sha256(payload)) },
        signatures: [
          {
            content: base64(signature),
            verifier: { x509Certificate: { rawBytes: base64(certificate) }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' },
          },
        ],
      },
    },
  };
}

const pemOf = (der: Buffer) =>
  `-----BEGIN CERTIFICATE-----\n${(base64(der).match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;

const bytesOf = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);

const chainOf = (...certificates: ArrayBufferView[]) => ({
  certificates: certificates.map((each) => ({ rawBytes: base64(bytesOf(each)) })),
});

/** A provenance object of these. */
export function provenanceOf(publisher: unknown, ...attestations: unknown[]): Uint8Array {
  return Buffer.from(JSON.stringify({ version: 1, attestation_bundles: [{ publisher, attestations }] }));
}

/** Somebody else's repository, in the publisher's own name for it and the certificate's. */
export const OTHER_CLAIMS: Claims = {
  ...GITHUB_CLAIMS,
  12: 'https://github.com/evil/mill',
  15: '666',
  18: 'https://github.com/evil/mill/.github/workflows/release.yml@refs/tags/v1',
};
export const OTHER_PUBLISHER = { kind: 'GitHub', repository: 'evil/mill', workflow: 'release.yml' };
