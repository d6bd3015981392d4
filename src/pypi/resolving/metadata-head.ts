import { MAX_METADATA_HEAD } from '../limits.ts';

/** The headers of core metadata, without the description behind them. */
export function headOf(metadata: Uint8Array): string {
  const text = Buffer.from(metadata.subarray(0, MAX_METADATA_HEAD)).toString('latin1');
  const end = /\r?\n\r?\n/.exec(text)?.index;
  return end === undefined ? text : text.slice(0, end);
}
