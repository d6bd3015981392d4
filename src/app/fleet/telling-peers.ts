import type { Emit } from '../../ports/events.ts';
import type { Peers } from '../../ports/peers.ts';

/** The same, and the other processes hear when signed metadata were had from upstream: they need not ask themselves. */
export function tellingPeers(emit: Emit, { tell }: Pick<Peers, 'tell'>): Emit {
  return (event) => {
    emit(event);
    if (event.name === 'refreshed' && event.result !== 'failed') void tell({ kind: 'refreshed', index: event.index });
  };
}
