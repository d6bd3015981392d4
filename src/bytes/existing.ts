/** What this program has made sure of, and its types cannot say. Its absence is a fault of ours and no refusal: throws Error. */
export function existing<T>(value: T | undefined, fault: string): T {
  if (value === undefined) throw new Error(fault);
  return value;
}
