import { dateText, type Instant } from '../../bytes/instant.ts';
import { type CarriedGeneration, inForce } from '../../ports/carried.ts';
import type { CarriedLabel } from '../../pypi/listing.ts';
import type { CarriedTime } from './time.ts';

/** What was imported last, and how old it is; for people and programs. */
export interface CarriedStatus {
  /** "as carried by KEY on DATE". */
  readonly label: string;
  /** Of the bundle. */
  readonly number: number;
  readonly stateAt: Instant;
  readonly importedAt: Instant;
  /** As of when evidence is judged; undefined where it is the clock. */
  readonly reference: Instant | undefined;
  /** Seconds, and how many are allowed; undefined where nobody gave a reference time. */
  readonly age: number | undefined;
  readonly most: number | undefined;
}

/** Undefined where nothing was imported. */
export function carriedStatus(time: CarriedTime, earliestExpiry?: Instant): CarriedStatus | undefined {
  const { carried } = time;
  if (carried === undefined) return undefined;
  const generation = inForce(carried);
  const { number, stateAt, importedAt } = generation;
  const { reference, age, most } = time.age(earliestExpiry) ?? {};
  return { label: labelOf(generation), number, stateAt, importedAt, reference, age, most };
}

export function labelOf({ key, stateAt }: CarriedGeneration): CarriedLabel {
  const who = key === undefined ? 'a bundle that nobody signed' : key.name;
  return `as carried by ${who} on ${dateText(stateAt)}`;
}
