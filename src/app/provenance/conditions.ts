import { daysText, type Instant } from '../../bytes/instant.ts';
import type { Condition } from '../../ports/conditions.ts';
import type { IndexRoot } from './roots.ts';

/** Seconds for which an index may bring no copy before that is told; and that a copy may have which nobody renews: Sigstore adds a log each half year. */
const SILENT_FOR = 24 * 3600;
const OLD = 180 * SILENT_FOR;

/** What an operator should know of what is believed of Sigstore. */
export function rootConditions(roots: readonly IndexRoot[], now: Instant): readonly Condition[] {
  return roots.flatMap((root) => {
    const message = messageOf(root, now);
    return message === undefined ? [] : [{ what: 'sigstore-root', index: root.index, thing: '', message } as const];
  });
}

const THEN = 'What newer logs signed cannot be checked, which does not make it bad.';

function messageOf({ from, place, of, trouble, strict }: IndexRoot, now: Instant): string | undefined {
  const age = now - of;
  if (trouble !== undefined && (from !== 'index' || age > SILENT_FOR)) {
    const kept = from === 'index' ? `the copy of ${daysText(age)} ago` : 'the copy from before';
    return `Sigstore's trusted root cannot be had from the index that provenance.root_from names: ${trouble} In force is ${kept}. ${THEN}`;
  }
  if (from === 'index' || !strict || age <= OLD) return undefined;
  const whose = from === 'file' ? `in ${place}` : 'that came with Verbatim';
  return `Sigstore's trusted root ${whose} is ${daysText(age)} old. ${THEN} An index with layout: sigstore keeps it current; or give a newer provenance.trusted_root.`;
}
