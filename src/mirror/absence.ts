import { Refusal } from '../bytes/refusal.ts';

/** True for the answer that something is provably not there; anything else is no answer to that question. */
export function isUnlisted(error: unknown): boolean {
  return error instanceof Refusal && error.reason === 'unlisted';
}

/** For `catch`: what is provably not there is undefined; anything else is thrown on. */
export function absent(error: unknown): undefined {
  if (isUnlisted(error)) return undefined;
  throw error;
}
