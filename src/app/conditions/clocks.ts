import type { Instant } from '../../bytes/instant.ts';
import type { Condition } from '../../ports/conditions.ts';

/** Two clocks that differ by more do not agree; they agree again within a little less. Seconds. */
const APART = 300;
const TOGETHER = 240;

interface Compared {
  /** Seconds by which this machine's clock is ahead of upstream's, as the last look found it. */
  ahead: number | undefined;
  /** The least since. */
  heard: number | undefined;
  apart: boolean;
}

/**
 * This machine's clock beside those of upstreams, by their Date headers. Between two looks the answer counts that has this clock
 * ahead by least: what a cache kept and does not say so makes upstream's clock seem late, and never early.
 */
export class ClockComparison {
  readonly #byIndex = new Map<string, Compared>();
  #onBehind = (): void => undefined;

  /** Called where this clock is found to be far behind, which no cache makes it seem: nobody waits for the next look. */
  watch(onBehind: () => void): void {
    this.#onBehind = onBehind;
  }

  heard(index: string, there: Instant, here: Instant): void {
    const compared = this.#byIndex.get(index) ?? { ahead: undefined, heard: undefined, apart: false };
    this.#byIndex.set(index, compared);
    const isNews = !compared.apart && (compared.heard ?? 0) >= -APART;
    compared.heard = Math.min(compared.heard ?? Number.POSITIVE_INFINITY, here - there);
    if (isNews && compared.heard < -APART) this.#onBehind();
  }

  /** By index, seconds; of those that were heard. */
  get ahead(): ReadonlyMap<string, number> {
    return new Map([...this.#byIndex].flatMap(([index, { ahead }]) => (ahead === undefined ? [] : [[index, ahead]])));
  }

  /** What was heard since the last look decides; where nothing was, it stands as it did. */
  look(): readonly Condition[] {
    return [...this.#byIndex].flatMap(([index, compared]) => {
      compared.ahead = compared.heard ?? compared.ahead;
      compared.heard = undefined;
      const { ahead = 0, apart } = compared;
      compared.apart = Math.abs(ahead) > (apart ? TOGETHER : APART);
      if (!compared.apart) return [];
      const how = `${Math.abs(ahead)} seconds ${ahead > 0 ? 'ahead of' : 'behind'}`;
      return [
        {
          what: 'clock',
          index,
          thing: '',
          message: `This machine's clock is ${how} upstream's. Set the one that is wrong.`,
        },
      ];
    });
  }
}
