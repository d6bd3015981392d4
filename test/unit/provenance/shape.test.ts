import { ASN1Obj } from '@sigstore/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { type Grounds, judgeProvenance } from '../../../src/provenance/judge.ts';
import { LIMITS } from '../../../src/provenance/limits.ts';
import { readTrustedRoot } from '../../../src/provenance/trusted-root.ts';
import {
  GITHUB_CLAIMS,
  GITHUB_PUBLISHER,
  provenanceOf,
  startSigstore,
  type TestSigstore,
} from '../../support/sigstore.ts';
import { data, groundsOf, MILL, outcome } from './sources.ts';

// What no signature covers, and what two parsers could read in two ways, is compared or refused.

/** The parts of an attestation that a test may write into. */
interface Editable {
  version: unknown;
  verification_material: {
    certificate: string;
    transparency_entries: Entry[];
    timestamps?: string[];
  };
  envelope: { statement: string; signature: string };
}

interface Entry {
  logIndex: string;
  integratedTime?: unknown;
  inclusionPromise?: { signedEntryTimestamp: string };
  inclusionProof: {
    logIndex: string;
    treeSize: string;
    rootHash: string;
    hashes: unknown;
    checkpoint: { envelope: string };
  };
}

const entryOf = ({ verification_material }: Editable): Entry => {
  const [entry] = verification_material.transparency_entries;
  if (entry === undefined) throw new Error('an attestation without an entry');
  return entry;
};

let sigstore: TestSigstore;
let grounds: Grounds;
beforeAll(async () => {
  sigstore = await startSigstore();
  grounds = groundsOf(sigstore);
});

async function edited(rekor: 1 | 2, edit: (attestation: Editable) => void): Promise<string> {
  const attestation = structuredClone(await sigstore.attest(MILL, { rekor })) as unknown as Editable;
  edit(attestation);
  return outcome(judgeProvenance(provenanceOf(GITHUB_PUBLISHER, attestation), MILL, grounds));
}

const PATH = 'attestation_bundles[0].attestations[0]';
const ENTRY = `${PATH}.transparency_entries[0]`;
const unread = (where: string, wanted: string) => `refused: The provenance cannot be read: ${where} is not ${wanted}.`;

describe.each([1, 2] as const)('in generation %i of the log', (rekor) => {
  it.each<[string, (attestation: Editable) => void, string]>([
    [
      'of another version',
      (a) => {
        a.version = 2;
      },
      unread(`${PATH}.version`, '1'),
    ],
    [
      'with an empty certificate',
      (a) => {
        a.verification_material.certificate = '';
      },
      unread(`${PATH}.certificate`, 'canonical base64'),
    ],
    [
      'in base64 of another spelling',
      (a) => {
        a.envelope.signature += '\n';
      },
      unread(`${PATH}.signature`, 'canonical base64'),
    ],
    [
      'without an entry',
      (a) => {
        a.verification_material.transparency_entries = [];
      },
      unread(`${PATH}.transparency_entries`, 'a list of 1 to 4'),
    ],
    [
      'with five entries',
      (a) => {
        a.verification_material.transparency_entries = new Array<Entry>(5).fill(entryOf(a));
      },
      unread(`${PATH}.transparency_entries`, 'a list of 1 to 4'),
    ],
    [
      'with an entry twice',
      (a) => {
        a.verification_material.transparency_entries.push(entryOf(a));
      },
      unread(`${PATH}.transparency_entries`, 'a list of different entries'),
    ],
    [
      'whose tree has another size',
      (a) => {
        entryOf(a).inclusionProof.treeSize = '2';
      },
      unread(`${ENTRY}.inclusionProof.treeSize`, 'that of its checkpoint'),
    ],
    [
      'whose tree has another root',
      (a) => {
        entryOf(a).inclusionProof.rootHash = Buffer.alloc(32).toString('base64');
      },
      unread(`${ENTRY}.inclusionProof.rootHash`, 'that of its checkpoint'),
    ],
    [
      'whose checkpoint has something behind its signatures',
      (a) => {
        entryOf(a).inclusionProof.checkpoint.envelope += 'x';
      },
      unread(`${ENTRY}.inclusionProof.checkpoint`, 'a signed note'),
    ],
    [
      'whose checkpoint has something among its signatures',
      (a) => {
        entryOf(a).inclusionProof.checkpoint.envelope += 'x\n';
      },
      `refused: ${ENTRY}.inclusionProof.checkpoint, in a signature is not a text.`,
    ],
    [
      'with bytes behind the certificate',
      (a) => {
        a.verification_material.certificate = longer(a.verification_material.certificate);
      },
      'refused: its certificate is not one for signing',
    ],
    [
      'whose signature is another',
      (a) => {
        a.envelope.signature = longer(a.envelope.signature);
      },
      'refused: it does not hold (',
    ],
  ])('an attestation %s', async (_, edit, said) => {
    expect(await edited(rekor, edit)).toContain(said);
  });

  it('an attestation whose log was shown another certificate for the same key', async () => {
    const attestation = await sigstore.attest(MILL, { rekor, shown: { ...GITHUB_CLAIMS, 15: '1' } });
    expect(outcome(judgeProvenance(provenanceOf(GITHUB_PUBLISHER, attestation), MILL, grounds))).toBe(
      'refused: the log was shown another certificate',
    );
  });
});

const longer = (text: string) => Buffer.concat([Buffer.from(text, 'base64'), Buffer.from([0])]).toString('base64');

it('a time that no log signed', async () => {
  expect(
    await edited(2, (a) => {
      entryOf(a).integratedTime = '5';
    }),
  ).toBe(unread(`${ENTRY}.integratedTime`, 'signed by the log'));
});

it('a place in the log that nobody signed', async () => {
  expect(
    await edited(2, (a) => {
      entryOf(a).logIndex = '1';
    }),
  ).toBe(unread(`${ENTRY}.logIndex`, 'that of its proof'));
});

describe('a signed timestamp', () => {
  const FORM = 'unchecked: its time is signed in a form that is not known here';
  const inTimestamp = (edit: (signedData: ASN1Obj) => void) => (a: Editable) => {
    const [timestamp = ''] = a.verification_material.timestamps ?? [];
    const whole = ASN1Obj.parseBuffer(Buffer.from(timestamp, 'base64'));
    edit(part(whole, 1, 1, 0));
    a.verification_material.timestamps = [whole.toDER().toString('base64')];
  };

  it('has no byte that may be another one', { timeout: 120_000 }, async () => {
    const attestation = structuredClone(await sigstore.attest(MILL, { rekor: 2 })) as unknown as Editable;
    const [written = ''] = attestation.verification_material.timestamps ?? [];
    const judged = (bytes: Uint8Array) => {
      attestation.verification_material.timestamps = [Buffer.from(bytes).toString('base64')];
      return judgeProvenance(provenanceOf(GITHUB_PUBLISHER, attestation), MILL, grounds).result;
    };
    const timestamp = Buffer.from(written, 'base64');
    expect(judged(timestamp)).toBe('verified');
    const free: number[] = [];
    timestamp.forEach((byte, at) => {
      const other = Buffer.from(timestamp);
      other[at] = byte ^ (1 << (at % 8));
      if (judged(other) === 'verified') free.push(at);
    });
    expect(free).toEqual([]);
  });

  it('may bring the certificates that the trusted root has, and no others', async () => {
    const chain = chainOf('timestampAuthorities');
    const bring = (der: Buffer) =>
      inTimestamp((signedData) => part(signedData, 3).subs.push(ASN1Obj.parseBuffer(Buffer.from(der))));
    for (const der of chain) expect(await edited(2, bring(der))).toBe('verified octo/mill');
    const [stranger] = chainOf('certificateAuthorities');
    expect(await edited(2, bring(stranger ?? Buffer.alloc(0)))).toBe(FORM);
  });

  it('is signed in a way that is known here', async () => {
    const other = inTimestamp((signedData) => {
      const signer = part(signedData, signedData.subs.length - 1, 0);
      part(signer, 4, 0).value[7] = 9;
    });
    expect(await edited(2, other)).toBe(FORM);
  });

  it('is refused where it is none', async () => {
    expect(
      await edited(2, (a) => {
        a.verification_material.timestamps = ['MAMCAQA='];
      }),
    ).toContain('refused: it does not hold (it is no signed timestamp)');
  });
});

function part(node: ASN1Obj, ...path: readonly number[]): ASN1Obj {
  return path.reduce((found, index) => {
    const next = found.subs[index];
    if (next === undefined) throw new Error('no such part');
    return next;
  }, node);
}

function chainOf(authorities: 'certificateAuthorities' | 'timestampAuthorities'): readonly Buffer[] {
  const [{ certChain }] = sigstore.trustedRoot[authorities] as [
    { certChain: { certificates: { rawBytes: string }[] } },
  ];
  return certChain.certificates.map(({ rawBytes }) => Buffer.from(rawBytes, 'base64'));
}

it('a certificate of an authority', async () => {
  const root = chainOf('certificateAuthorities').at(-1)?.toString('base64') ?? '';
  expect(
    await edited(1, (a) => {
      a.verification_material.certificate = root;
    }),
  ).toBe('refused: its certificate is not one for signing');
});

it('provenance that is larger than any', async () => {
  const bytes = Buffer.from(provenanceOf(GITHUB_PUBLISHER, await sigstore.attest(MILL)));
  const padded = Buffer.concat([bytes, Buffer.alloc(LIMITS.provenance + 1 - bytes.length, ' ')]);
  expect(outcome(judgeProvenance(padded, MILL, grounds))).toBe(unread('it', `${LIMITS.provenance} bytes or fewer`));
  expect(judgeProvenance(padded.subarray(0, LIMITS.provenance), MILL, grounds).result).toBe('verified');
});

describe("Sigstore's trusted root", () => {
  const refusal = (bytes: Uint8Array) => {
    try {
      readTrustedRoot(bytes);
    } catch (error) {
      return error instanceof Refusal
        ? [error.reason, error.cause instanceof Error ? error.cause.message : undefined]
        : error;
    }
    return undefined;
  };

  it('is read as Sigstore publishes it, up to a size', async () => {
    const bytes = await data('trusted_root.json');
    expect(refusal(Buffer.concat([bytes, Buffer.alloc(LIMITS.trustedRoot - bytes.length, ' ')]))).toBeUndefined();
    expect(refusal(Buffer.concat([bytes, Buffer.alloc(LIMITS.trustedRoot + 1 - bytes.length, ' ')]))).toEqual([
      'limit',
      undefined,
    ]);
  });

  it.each(['certificateAuthorities', 'tlogs'])('is refused without %s', (part) => {
    const bytes = Buffer.from(JSON.stringify({ ...sigstore.trustedRoot, [part]: [] }));
    expect(refusal(bytes)).toEqual(['format', 'it names no certificate authority, or no transparency log']);
  });

  it.each(['', '[]', '{"tlogs":7}', '{"tlogs":[{"publicKey":{"rawBytes":"AAAA"}}]}'])(
    'is refused where it is %j',
    (text) => {
      expect(refusal(Buffer.from(text))?.toString()).toContain('format');
    },
  );
});
