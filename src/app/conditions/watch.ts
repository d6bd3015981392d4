import type { Condition } from '../../ports/conditions.ts';
import type { Emit } from '../../ports/events.ts';

/** How often it is looked: a disk fills within minutes, and a look costs less than an answer. Milliseconds. */
const LOOK_EVERY = 60_000;

/** What is so, look by look: each change is told once. */
export class ConditionWatch {
  readonly #look: (before: readonly Condition[]) => Promise<readonly Condition[]>;
  readonly #emit: Emit;
  #inForce: ReadonlyMap<string, Condition> = new Map();
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `look` is handed what was so before, and must not throw. */
  constructor(look: (before: readonly Condition[]) => Promise<readonly Condition[]>, emit: Emit) {
    this.#look = look;
    this.#emit = emit;
  }

  get inForce(): readonly Condition[] {
    return [...this.#inForce.values()];
  }

  /** Looks, and goes on looking until it is closed. */
  async start(): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY).unref();
  }

  /** One look at a time; whoever asks during one waits for the next. */
  async look(): Promise<void> {
    const before = this.#looking;
    const now = (async () => {
      await before;
      this.#found(await this.#look(this.inForce));
    })();
    this.#looking = now;
    await now;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  #found(conditions: readonly Condition[]): void {
    const next = new Map(conditions.map((each) => [JSON.stringify([each.what, each.index, each.thing]), each]));
    for (const [key, condition] of this.#inForce)
      if (!next.has(key)) this.#emit({ name: 'condition', ...condition, begins: false });
    for (const [key, condition] of next)
      if (!this.#inForce.has(key)) this.#emit({ name: 'condition', ...condition, begins: true });
    this.#inForce = next;
  }
}
