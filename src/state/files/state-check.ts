import { Refusal } from '../../bytes/refusal.ts';
import type { ItemPath } from './census.ts';

/** A piece of state that was read again, and why it is not believed, if it is not. */
export interface Checked {
  readonly item: ItemPath;
  readonly wrong: Refusal | undefined;
}

export async function checked(item: ItemPath, reading: Promise<unknown>): Promise<Checked> {
  try {
    await reading;
    return { item, wrong: undefined };
  } catch (error) {
    if (error instanceof Refusal) return { item, wrong: error };
    throw error;
  }
}
