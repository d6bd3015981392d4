/** A key that can check signatures here. */
export interface Usable {
  /** Equal for equal keys however they are written. */
  readonly material: string;
  /** False for whatever does not verify; never throws. */
  verifies(message: Uint8Array, signature: Uint8Array): boolean;
}

/** `keyval.public` → the key; undefined, or anything thrown, where it is none of this scheme. */
export type DecodeKey = (publicKey: string) => Usable | undefined;

export function usableKey(material: string, check: Usable['verifies']): Usable {
  return {
    material,
    verifies(message, signature) {
      try {
        return check(message, signature);
      } catch {
        return false;
      }
    },
  };
}
