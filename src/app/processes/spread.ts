import { within } from '../../async/timeout.ts';
import type { News } from '../../ports/peers.ts';

/** A worker that has said nothing for so long stands still, and is not waited for. Milliseconds. */
const SILENT_MS = 1000;
/** Nor is one that takes longer to follow. */
const FOLLOW_MS = 1000;

/** Who is told what another did. */
export interface Told {
  /** Milliseconds since it last said anything. */
  readonly silentFor: number;
  /** Resolves when it has followed. Rejects where it ends first. */
  tell(news: News): Promise<void>;
}

/** Resolves when all others have followed, but for those that stand still; they are told all the same. */
export async function spread(news: News, others: readonly Told[], followMs = FOLLOW_MS): Promise<void> {
  const told = others.flatMap((other) => {
    const isAwake = other.silentFor < SILENT_MS;
    const following = other.tell(news).catch(() => undefined);
    return isAwake ? [following] : [];
  });
  await within<unknown>(followMs, Promise.all(told), undefined);
}
