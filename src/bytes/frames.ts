import { lend, type ReadonlyBytes } from './proof.ts';

const LENGTH_BYTES = 4;

/** Several values as one, each behind its length. */
export function packFrames(values: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    values.flatMap((value) => {
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32BE(value.byteLength);
      return [length, value];
    }),
  );
}

/** The values again, in the same memory; undefined for anything that `packFrames` does not make. */
export function unpackFrames(bytes: ReadonlyBytes): readonly Buffer[] | undefined {
  const { buffer, byteOffset, byteLength } = lend(bytes);
  const whole = Buffer.from(buffer, byteOffset, byteLength);
  const values: Buffer[] = [];
  for (let at = 0; at < byteLength; ) {
    if (at + LENGTH_BYTES > byteLength) return undefined;
    const start = at + LENGTH_BYTES;
    at = start + whole.readUInt32BE(at);
    if (at > byteLength) return undefined;
    values.push(whole.subarray(start, at));
  }
  return values;
}
