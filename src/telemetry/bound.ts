/** What a label says in place of a value too many. */
export const OTHER = 'other';

/** Holds a label to `most` values: the known ones, else the first that come; everything after is `other`. */
export function createBound(most: number, known: readonly string[] = []): (value: string) => string {
  const values = new Set(known);
  return (value) => {
    if (values.has(value)) return value;
    if (values.size >= most) return OTHER;
    values.add(value);
    return value;
  };
}

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
  };
}

interface BudgetOptions {
  readonly burst: number;
  readonly perSecond: number;
  /** Seconds on a clock that does not jump. */
  readonly now?: (() => number) | undefined;
}

export interface Budget {
  /** Undefined where the budget is spent; else how many were withheld since the last that passed. */
  take(): { readonly withheld: number } | undefined;
}
