import type { Check } from './find.ts';

/** A check that no test can miss, and why it stays. */
export interface Exempt {
  readonly path: string;
  /** The functions and classes it stands in, and its text, as `npm run checks` prints them. */
  readonly where: string;
  readonly text: string;
  readonly why: string;
}

/** This list only gets shorter: a new check has a test. */
export const EXEMPT: readonly Exempt[] = [
  {
    path: 'src/tuf/verified.ts',
    where: 'authorityOf',
    text: 'authority === undefined',
    why: 'Decoding refuses a root that lacks one of the four roles; the type of a Map does not say so.',
  },
  {
    path: 'src/bytes/prover.ts',
    where: 'blakeHash',
    text: 'hash === undefined',
    why: 'An instance is always made before it is taken; this says so to whoever breaks that.',
  },
  {
    path: 'src/bytes/prover.ts',
    where: 'checkBytes',
    text: 'stated.length !== undefined && bytes.byteLength !== stated.length',
    why: 'The end of the stream refuses the same length with the same reason; here nothing is hashed before.',
  },
  {
    path: 'src/tuf/schemes/ed25519.ts',
    where: 'isStrict',
    text: 'signature.byteLength !== SIGNATURE_BYTES',
    why: 'Verification refuses a signature of another length as well; here its halves are cut out of it first.',
  },
  {
    path: 'src/pypi/inspect/inspect.ts',
    where: 'checkStream.unpacking',
    text: 'length > UNPACKED_MOST',
    why: 'A test would have to unpack 32 GiB; of a zip, whose directory states it, the same limit is tested.',
  },
];

export function isExempt(check: Check): boolean {
  return EXEMPT.some(({ path, where, text }) => path === check.path && where === check.where && text === check.text);
}
