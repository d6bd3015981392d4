import { daysText } from '../../bytes/instant.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import type { Condition } from '../../ports/conditions.ts';

/** How old what was imported into an index is. */
export interface ImportAge {
  readonly index: string;
  /** Seconds, and how many are allowed. */
  readonly age: number;
  readonly most: number;
}

/** Of what is allowed, from which on it is told. */
const WARN_FROM = 3 / 4;

/** Of the indexes that arrive by import, those whose age is known. */
export async function importAges(indexes: readonly PackageIndex[]): Promise<readonly ImportAge[]> {
  const ages: ImportAge[] = [];
  for (const index of indexes) {
    if (index.carried === undefined) continue;
    const { carried } = await index.status();
    if (carried?.age !== undefined && carried.most !== undefined)
      ages.push({ index: index.name, age: carried.age, most: carried.most });
  }
  return ages;
}

export function importConditions(ages: readonly ImportAge[]): readonly Condition[] {
  return ages.flatMap(({ index, age, most }): readonly Condition[] => {
    if (age <= most * WARN_FROM) return [];
    const old = `What was imported is ${daysText(age)} old, and may be ${daysText(most)} (import.max_age)`;
    const message =
      age > most
        ? `${old}: installers get 503 until a newer bundle is imported.`
        : `${old}: import a newer bundle before that.`;
    return [{ what: 'import-age', index, thing: '', message }];
  });
}
