/** JSON and the bytes it speaks of, in one value: a line, then the bytes as they are. */
export interface Framed {
  readonly header: unknown;
  readonly body: Uint8Array;
}

const LINE_END = 0x0a;

export function encodeFramed(header: unknown, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), body]);
}

/** Undefined for what has no such line. */
export function decodeFramed(value: Uint8Array): Framed | undefined {
  const end = value.indexOf(LINE_END);
  if (end === -1) return undefined;
  const header = parseJson(value.subarray(0, end));
  return header === undefined ? undefined : { header, body: value.subarray(end + 1) };
}

export function encodeJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Undefined for what is no JSON; a value of ours is never `null` either. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) ?? undefined;
  } catch {
    return undefined;
  }
}
