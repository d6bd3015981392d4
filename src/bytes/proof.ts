// What every class of proved values shares. Such a class has a private constructor and a `#field`; a static block lends
// the constructor to its module, which exports one maker beside the class. `is` asks for the `#field`, which no spread,
// cast, clone, proxy or prototype can imitate.

/** Bytes that a proof speaks of: to be read, never written. */
export type ReadonlyBytes = { readonly [at: number]: number } & Pick<Uint8Array, 'byteLength' | 'length' | 'at'>;

/** The same bytes for code that only reads them (hashing, decoding, storing, sending), and that node types as writable. */
export function lend(bytes: ReadonlyBytes): Uint8Array {
  return bytes as Uint8Array;
}

export function sameBytes(a: ReadonlyBytes, b: ReadonlyBytes): boolean {
  return Buffer.compare(lend(a), lend(b)) === 0;
}

/** What a door asks of a value before it acts on it. Throws TypeError for what its maker did not make. */
export function mustBe<T>(kind: { is(value: unknown): value is T; readonly name: string }, value: T): T {
  if (!kind.is(value)) throw new TypeError(`This value is no ${kind.name} of ours; nothing was done with it.`);
  return value;
}
