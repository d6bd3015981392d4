/** What is wrong with a store of objects, and not with what was asked for. */
export class ObjectStoreError extends Error {
  override readonly name = 'ObjectStoreError';
  /**
   * `away`: it could not be had, and nothing was judged: of a creation nobody knows whether it happened. `refused`: it does not let us.
   * `wrong`: what it says cannot be. `limit`: the object is larger than the caller takes.
   */
  readonly kind: 'away' | 'refused' | 'wrong' | 'limit';

  /** `message`: a plain sentence for people. */
  constructor(kind: ObjectStoreError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/**
 * Small objects by key, which machines share. What comes back is suspect. Keys are letters, digits and `._-/`; every call may throw
 * ObjectStoreError.
 */
export interface ObjectStore {
  /** The whole object, of at most `limit` bytes; undefined where there is none. */
  get(key: string, limit: number, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /**
   * Durable when it resolves. `created`: these bytes lie there, by this call or by one that asked for the very same bytes, so that whoever must
   * tell the two apart puts a random name into them. `taken`: others do, and stay. Throws `away` where neither could be found out.
   */
  create(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<'created' | 'taken'>;
  /** Keys that begin with `prefix`, those behind `after` alone, in the order of their bytes. Never on a request. */
  list(prefix: string, after?: string, signal?: AbortSignal): AsyncIterable<string>;
  /** Nothing lies there when it resolves. */
  remove(key: string, signal?: AbortSignal): Promise<void>;
}
