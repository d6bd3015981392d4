import { createHash } from 'node:crypto';

/** SHA-256 of a target path, in hex: what both kinds of bins sort by (TUF §4.5, TAP 15). */
export function pathHash(path: string): string {
  return createHash('sha256').update(path, 'utf8').digest('hex');
}

/** How a power of two of bins divides the paths. */
export interface Bins {
  readonly names: readonly string[];
  readonly binOf: (path: string) => string;
}

function checkBits(bits: number): number {
  if (!Number.isInteger(bits) || bits < 1 || bits > 32) throw new RangeError(`bits must be 1..32, not ${bits}`);
  return bits;
}

/** The bin a path falls into: the first `bits` bits of its hash. */
export function binIndex(path: string, bits: number): number {
  return Math.floor(Number.parseInt(pathHash(path).slice(0, 8), 16) / 2 ** (32 - bits));
}

/** `PREFIX-<hex>`, padded to the width of the last bin (TAP 15). */
export function createBins(prefix: string, bits: number): Bins {
  checkBits(bits);
  const width = (2 ** bits - 1).toString(16).length;
  const name = (index: number) => `${prefix}-${index.toString(16).padStart(width, '0')}`;
  return {
    names: Array.from({ length: 2 ** bits }, (_, index) => name(index)),
    binOf: (path) => name(binIndex(path, bits)),
  };
}

/** The hex prefixes that one bin answers for (PEP 458: 16,384 bins of four prefixes each). */
export function prefixesOf(index: number, bits: number): string[] {
  const digits = Math.ceil(checkBits(bits) / 4);
  const each = 2 ** (digits * 4 - bits);
  return Array.from({ length: each }, (_, i) => (index * each + i).toString(16).padStart(digits, '0'));
}
