import { Refusal } from '../bytes/refusal.ts';
import type { IndexParts } from './index-parts.ts';

/**
 * Whether the name of a project that an index does not have is kept for it: it was here once, as its floor or its pins tell, and no operator has said that
 * the name is free. What cannot be read speaks for that. Never rejects for damage.
 */
export async function isKeptName(
  { floors, pins }: Pick<IndexParts, 'floors' | 'pins'>,
  project: string,
): Promise<boolean> {
  try {
    const floor = await floors?.gone(project);
    if (floor !== undefined) return floor.released !== true;
    return (await pins.of(project)).size > 0;
  } catch (error) {
    if (error instanceof Refusal) return true;
    throw error;
  }
}

/** Why nobody answers for such a name at an address over several indexes. */
export function keptName(index: string, project: string): Refusal {
  return new Refusal(
    'regressed',
    `${project} was a project of the index ${index}, which does not have it any more, so no other index answers for it here. Its operator can say that the name is free (verbatim accept-change ${index} ${project} --removed), or whose it is (owned).`,
    { subject: 'page' },
  );
}
