import type { TrustMaterial } from '@sigstore/verify';
import { Refusal } from '../bytes/refusal.ts';
import type { JsonObject } from '../tuf/json/json-value.ts';
import { type Attestation, readProvenance } from './attestation.ts';
import { identityOf } from './identity.ts';
import { type Issuers, matchPublisher, type Publisher } from './publisher.ts';
import { checkSigned } from './sigstore.ts';
import { type Attested, matchStatement } from './statement.ts';

/**
 * What provenance is worth. `verified`: all of it that can be checked here is right, and something of it was. `refused`: something
 * of it is wrong. `unchecked`: nothing is wrong, and nothing could be checked.
 */
export type Judgement =
  | { readonly result: 'verified'; readonly publishers: readonly Publisher[]; readonly unchecked: readonly string[] }
  | { readonly result: 'refused' | 'unchecked'; readonly why: string };

/** By what it is judged. */
export interface Grounds {
  readonly root: TrustMaterial;
  readonly issuers: Issuers;
}

type One = Publisher | { readonly result: 'refused' | 'unchecked'; readonly why: string };

/** Judges a provenance object of the file. Throws nothing for what is in the bytes. */
export function judgeProvenance(bytes: Uint8Array, file: Attested, grounds: Grounds): Judgement {
  const found: One[] = [];
  try {
    for (const { publisher, attestations } of readProvenance(bytes))
      for (const attestation of attestations) found.push(judgeAttestation(attestation, publisher, file, grounds));
  } catch (error) {
    if (error instanceof Refusal) return { result: 'refused', why: error.message };
    throw error;
  }
  const publishers = new Map<string, Publisher>();
  const unchecked: string[] = [];
  for (const one of found) {
    if (!('result' in one)) publishers.set(`${one.kind} ${one.id} ${one.workflow} ${one.environment}`, one);
    else if (one.result === 'refused') return { result: 'refused', why: one.why };
    else unchecked.push(one.why);
  }
  if (publishers.size === 0) return { result: 'unchecked', why: unchecked[0] ?? 'it holds nothing' };
  return { result: 'verified', publishers: [...publishers.values()], unchecked };
}

/** One attestation, by the publisher whom the index names for it. Throws Refusal for a statement that cannot be read. */
function judgeAttestation(
  attestation: Attestation,
  claim: JsonObject,
  file: Attested,
  { root, issuers }: Grounds,
): One {
  const signed = checkSigned(attestation, root);
  if (signed.result !== 'signed') return signed;
  const statement = matchStatement(attestation.statement, file);
  if (statement !== 'match') return statement;
  const identity = identityOf(signed.certificate);
  if (identity === undefined) return { result: 'refused', why: 'its certificate does not say who signed' };
  const publisher = matchPublisher(claim, identity, issuers);
  if (publisher === 'mismatch')
    return { result: 'refused', why: 'the certificate is not that of the publisher whom the index names' };
  if (publisher === 'other')
    return { result: 'unchecked', why: `such publishers cannot be judged here (${identity.issuer})` };
  return publisher;
}
