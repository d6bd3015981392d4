import { sha256Hex } from '../../bytes/digest.ts';

const PLAIN_NAME = /^[a-z0-9][a-z0-9-]{0,99}$/;

/** A path below a directory for any project name: itself where it is plain, else its hash (which no plain name looks like). */
export function projectPath(project: string): string {
  const hash = sha256Hex(Buffer.from(project));
  return `${hash.slice(0, 2)}/${PLAIN_NAME.test(project) ? project : `=${hash}`}`;
}
