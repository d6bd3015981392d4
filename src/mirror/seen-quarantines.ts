import { BoundedMap } from '../bytes/bounded-map.ts';
import type { Clock } from '../ports/clock.ts';
import type { IndexState } from '../ports/index-state.ts';

const MOST_REMEMBERED = 10_000;

interface SeenQuarantinesOptions {
  readonly state: Pick<IndexState, 'seenQuarantine'>;
  readonly clock: Clock;
}

/**
 * Which projects upstream had in quarantine (PEP 792) at any time. Often a project is quarantined and then removed, and then no page says so
 * any more.
 */
export class SeenQuarantines {
  readonly #options: SeenQuarantinesOptions;
  readonly #told = new BoundedMap<true>({ entries: MOST_REMEMBERED });

  constructor(options: SeenQuarantinesOptions) {
    this.#options = options;
  }

  /** Durable when it resolves. Throws Refusal `state`. */
  async see(project: string): Promise<void> {
    if (this.#told.get(project) === true) return;
    const { state, clock } = this.#options;
    await state.seenQuarantine(project).change((was) => (was === undefined ? clock.now() : undefined));
    this.#told.set(project, true);
  }

  /** Throws Refusal `state`. */
  async has(project: string): Promise<boolean> {
    return (await this.#options.state.seenQuarantine(project).read()) !== undefined;
  }
}
