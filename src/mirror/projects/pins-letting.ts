import type { JudgedPage } from '../../pypi/listing.ts';
import type { Believed } from '../believed.ts';
import type { PageDrawerOptions } from './draw.ts';
import type { DrawnNote } from './drawn-note.ts';

/**
 * Names the pins here that let a page be served which was drawn before, perhaps by another replica: where they and the rules say of it what they
 * said where it was drawn. Its new pins are made, and with them it is stored, if it is not. Undefined where it must be drawn.
 */
export async function pinsLetting<P>(
  { pins, policy, clock }: Pick<PageDrawerOptions<P>, 'pins' | 'policy' | 'clock'>,
  { name, observation, unsaved }: Believed<P>,
  note: DrawnNote,
  judged: () => JudgedPage | undefined,
): Promise<string | undefined> {
  // The very pins that it was drawn by: none is new, and rules that are the same say the same.
  if ((await pins.identity(name, observation)) === note.pins) {
    pins.looked(name, observation);
    return note.pins;
  }
  const page = judged();
  if (page === undefined) return undefined;
  // Pins may give way to a page that was repeated: the page is there before them.
  if (observation.repeated) await unsaved?.save();
  const leftOut = { counts: note.leftOut, lines: [] };
  const known = await pins.permit({ ...page, leftOut }, observation, unsaved);
  if (known === undefined) return undefined;
  const { files, others } = policy.page(page, known, clock.now());
  const isSame = (others.action === 'hide') === note.hidden && others.until === undefined;
  const isWhole = [...files.values()].every(({ action, until }) => action !== 'hide' && until === undefined);
  return isSame && isWhole ? pins.identityAllowing(page, observation) : undefined;
}
