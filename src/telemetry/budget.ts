/** So many at once, and so many a second after; `take` says whether one more may pass. */
export function createBudget({ burst, perSecond, now = () => performance.now() / 1000 }: BudgetOptions): Budget {
  let left = burst;
  let last = now();
  let withheld = 0;
  return {
    take() {
      const at = now();
      left = Math.min(burst, left + Math.max(0, at - last) * perSecond);
      last = at;
      if (left < 1) {
        withheld++;
        return undefined;
      }
      left--;
      const before = withheld;
      withheld = 0;
      return { withheld: before };
    },
    rest() {
      const before = withheld;
      withheld = 0;
      return before;
    },
  };
}

interface BudgetOptions {
  readonly burst: number;
  readonly perSecond: number;
  /** Seconds on a clock that does not jump. */
  readonly now?: (() => number) | undefined;
}

export interface Budget {
  /** How many were withheld since the last that passed, which nobody is told of again. */
  rest(): number;
  /** Undefined where the budget is spent; else how many were withheld since the last that passed. */
  take(): { readonly withheld: number } | undefined;
}
