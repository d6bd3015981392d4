import { Refusal } from '../bytes/refusal.ts';
import type { Config } from '../config/config.ts';
import { secretVariable } from '../config/environment.ts';
import { readGiven } from './given-file.ts';

/** What an index's state is sealed with, where it is. */
export interface Sealing {
  readonly sealKey?: Uint8Array | undefined;
  /** A file outside the data directory that remembers how new the sealed state was. */
  readonly sealEpochFile?: string | undefined;
}

/** What seals the data directory, read from where the configuration says. Throws Refusal `state` where it is not there. */
export function sealingOf({ seal }: Config): Sealing {
  if (seal === undefined) return {};
  const { file, variable = '' } = seal.key;
  const bytes = file === undefined ? Buffer.from(secretVariable(variable) ?? '') : readGiven(file, 'the seal key');
  const sealKey = withoutLineEnd(bytes);
  if (sealKey.byteLength === 0)
    throw new Refusal('state', `There is no seal key in ${file ?? `the variable ${variable}`}.`, { subject: 'state' });
  return { sealKey, sealEpochFile: seal.epochFile };
}

/** A key may be any bytes, and many an editor ends them with a line break. */
function withoutLineEnd(bytes: Buffer): Buffer {
  let end = bytes.byteLength;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
  return bytes.subarray(0, end);
}
