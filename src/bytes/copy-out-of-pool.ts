/**
 * The same bytes in memory of their own, for what is kept: node makes small buffers as pieces of one of 64 KB, and each
 * piece that lives keeps all of it.
 */
export function alone(bytes: Buffer): Buffer {
  if (bytes.byteLength === bytes.buffer.byteLength) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.byteLength);
  own.set(bytes);
  return own;
}
