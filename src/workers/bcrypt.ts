import { bcryptVerify } from 'hash-wasm';

/** What bcrypt reads of a password; what comes after it counts for nothing, here as in every other reader of such files. */
const READ_BYTES = 72;

/** True where bcrypt made `encoded` of the password. To bcrypt a NUL is the password's end; no such one is believed, nor an empty one. */
export async function bcryptHolds(password: string, encoded: string): Promise<boolean> {
  const bytes = Buffer.from(password).subarray(0, READ_BYTES);
  if (bytes.length === 0 || bytes.includes(0)) return false;
  return bcryptVerify({ password: bytes, hash: encoded });
}
