import { chmod, open, utimes } from 'node:fs/promises';

const THEN = 1;

/** Gives a stored file a time that a later `flipQuietly` can give it again; it is proved anew at its next touch. */
export function age(path: string): Promise<void> {
  return utimes(path, THEN, THEN);
}

/** Flips a bit of an aged file so that only its bytes tell: inode, size and time stay as they were. */
export async function flipQuietly(path: string, at: number): Promise<void> {
  await chmod(path, 0o600);
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  await file.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
  await file.close();
  await age(path);
}
