import { readJson } from '../tuf/json/json.ts';
import type { JsonObject, JsonValue } from '../tuf/json/json-value.ts';
import { runToEnd } from '../tuf/sliced.ts';
import { base64, few, malformed, member, object } from './fields.ts';
import { LIMITS } from './limits.ts';
import { type Entry, readEntry } from './log-entry.ts';

/** One attestation as it came (PEP 740): nothing of it is proved. */
export interface Attestation {
  /** DER. */
  readonly certificate: Buffer<ArrayBuffer>;
  /** An in-toto statement, and the signature over its DSSE envelope. */
  readonly statement: Buffer<ArrayBuffer>;
  readonly signature: Buffer<ArrayBuffer>;
  readonly entries: readonly Entry[];
  /** RFC 3161. */
  readonly timestamps: readonly Buffer<ArrayBuffer>[];
}

/** Attestations that the index says one publisher made. */
export interface AttestationBundle {
  /** The index's claim, as it came. */
  readonly publisher: JsonObject;
  readonly attestations: readonly Attestation[];
}

/** Reads a provenance object. Throws Refusal `format` or `limit`. */
export function readProvenance(bytes: Uint8Array): readonly AttestationBundle[] {
  const whole = readObject(bytes);
  isVersionOne(whole.get('version'), 'version');
  return few(whole.get('attestation_bundles'), 'attestation_bundles', LIMITS.bundles).map((each, at) => {
    const path = `attestation_bundles[${at}]`;
    const bundle = object(each, path);
    const attestations = few(bundle.get('attestations'), `${path}.attestations`, LIMITS.attestations);
    return {
      publisher: member(bundle, 'publisher', path),
      attestations: attestations.map((one, index) => readAttestation(one, `${path}.attestations[${index}]`)),
    };
  });
}

/** Reads bytes as one JSON object, within what a provenance object may cost. */
export function readObject(bytes: Uint8Array): JsonObject {
  if (bytes.length > LIMITS.provenance) throw malformed('it', `${LIMITS.provenance} bytes or fewer`);
  return object(runToEnd(readJson(bytes, LIMITS.values)), 'it');
}

/** PEP 740: one attestation object. */
export function readAttestation(value: JsonValue, path = 'attestation'): Attestation {
  const attestation = object(value, path);
  isVersionOne(attestation.get('version'), `${path}.version`);
  const material = member(attestation, 'verification_material', path);
  const envelope = member(attestation, 'envelope', path);
  const entries = few(material.get('transparency_entries'), `${path}.transparency_entries`, LIMITS.entries);
  const timestamps = material.get('timestamps');
  const read = entries.map((entry, at) => readEntry(object(entry, path), `${path}.transparency_entries[${at}]`));
  const differing = new Set(read.map(({ body }) => body.toString('base64')));
  if (differing.size < read.length) throw malformed(`${path}.transparency_entries`, 'a list of different entries');
  return {
    certificate: base64(material.get('certificate'), `${path}.certificate`),
    statement: base64(envelope.get('statement'), `${path}.statement`),
    signature: base64(envelope.get('signature'), `${path}.signature`),
    entries: read,
    timestamps:
      timestamps === undefined
        ? []
        : few(timestamps, `${path}.timestamps`, LIMITS.timestamps, 0).map((each) => base64(each, `${path}.timestamps`)),
  };
}

function isVersionOne(version: JsonValue | undefined, path: string): void {
  if (version !== 1) throw malformed(path, '1');
}
