import { sha256Hex } from '../../bytes/digest.ts';

/** One of our own JSON files: what it says, by its digest, and the seal over it where there is one. */
export interface Envelope {
  readonly id: string;
  readonly state: unknown;
  /** What the digest and the seal are made over. */
  readonly bytes: Buffer;
  readonly seal: unknown;
}

export function envelopeId(bytes: Uint8Array): string {
  return sha256Hex(bytes);
}

export function wrapEnvelope(bytes: Buffer, seal: string | undefined): Buffer {
  const sealed = seal === undefined ? '' : `"seal":"${seal}",`;
  return Buffer.from(`{"sha256":"${envelopeId(bytes)}",${sealed}"state":${bytes.toString()}}\n`);
}

/** Undefined for anything that is not whole. Its seal is for the caller to check. */
export function openEnvelope(file: Buffer): Envelope | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(file.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || !('sha256' in parsed) || !('state' in parsed)) return undefined;
  const bytes = Buffer.from(JSON.stringify(parsed.state));
  const id = envelopeId(bytes);
  if (parsed.sha256 !== id) return undefined;
  return { id, state: parsed.state, bytes, seal: 'seal' in parsed ? parsed.seal : undefined };
}
