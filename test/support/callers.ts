import type { Caller } from '../../src/async/caller.ts';
import type { Choice } from '../../src/render/negotiate.ts';

/** The body that takes no coding. */
export const PLAIN: Choice = { format: 'json', coding: 'identity' };

/** A client of the index `main`, who never leaves unless the test says so. */
export function client(over: Partial<Caller> = {}): Caller {
  return { index: 'main', party: '192.0.2.1', priority: 'client', signal: new AbortController().signal, ...over };
}

/** A client that can leave. */
export function leavingClient(over: Partial<Caller> = {}): { readonly caller: Caller; leave(): void } {
  const leaving = new AbortController();
  return {
    caller: client({ ...over, signal: leaving.signal }),
    leave: () => leaving.abort(new Error('left')),
  };
}
