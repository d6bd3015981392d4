import type { Caller } from '../../async/caller.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Believed, Source } from '../believed.ts';
import type { Evidence } from '../evidence.ts';
import { looksMovedOn } from '../moved-on.ts';
import type { Drawer, Drawing } from './drawing.ts';

interface Drawers<P, V> {
  readonly evidence: Pick<Evidence<P>, 'ask'>;
  readonly drawer: Pick<Drawer<P, V>, 'draw'>;
  readonly absent: (name: string, seconds: number) => Refusal;
}

/** Draws what is believed. Where upstream has moved on while it was drawn, its next word is drawn; once. Throws Refusal. */
export async function drawCurrent<P, V>(
  { drawer, evidence, absent }: Drawers<P, V>,
  believed: Believed<P>,
  caller: Caller,
): Promise<Drawing<P, V>> {
  const { name, source } = believed;
  if (source === undefined) throw absent(name, 0);
  try {
    return await drawer.draw(believed, source, caller);
  } catch (error) {
    if (!looksMovedOn(error)) throw error;
    const next = await evidence.ask(name, believed, caller, true);
    if (next === believed) throw error;
    if (next.source === undefined) throw absent(name, 0);
    return drawer.draw(next, next.source, caller);
  }
}

/** What our own state vouches for. What another replica believes and is not stored here yet is upstream's to say where it cannot be drawn: then undefined. */
export async function drawRecalled<P, V>(
  drawer: Pick<Drawer<P, V>, 'draw' | 'restore'>,
  believed: Believed<P>,
  source: Source,
  caller: Caller,
): Promise<Drawing<P, V> | undefined> {
  try {
    return (await drawer.restore(believed, source)) ?? (await drawer.draw(believed, source, caller));
  } catch (error) {
    if (believed.unsaved === undefined || !(error instanceof Refusal)) throw error;
    return undefined;
  }
}

/** The same bytes from the same place. */
export function isSameSource<P>({ source: a }: Believed<P>, { source: b }: Believed<P>): boolean {
  return a?.sha256 === b?.sha256 && a?.url === b?.url;
}
