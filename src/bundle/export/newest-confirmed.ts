import { type Instant, parseInstant } from '../../bytes/instant.ts';
import type { HeldItem } from './held.ts';

/** The newest moment at which upstream stood by one of these items, once they were looked at; undefined where it stood by none. */
export function newestConfirmed(): {
  of(items: AsyncIterable<HeldItem>): AsyncGenerator<HeldItem, void, undefined>;
  readonly at: Instant | undefined;
} {
  let at: Instant | undefined;
  return {
    async *of(items) {
      for await (const item of items) {
        const { kind, confirmed: text } = item.entry;
        // Advisories are of another upstream than the index.
        const confirmed = text === undefined || kind === 'advisories' ? undefined : parseInstant(text);
        if (confirmed !== undefined) at = Math.max(at ?? confirmed, confirmed);
        yield item;
      }
    },
    get at() {
      return at;
    },
  };
}
