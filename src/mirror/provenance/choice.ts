import type { Instant } from '../../bytes/instant.ts';
import { AWAY_FOR, judgementOf, retriedAt } from '../../policy/provenance.ts';
import { releasesInOrder } from '../../policy/read-once.ts';
import type { KeptJudgement, KeptProvenance } from '../../ports/provenance/kept.ts';
import type { JudgedFile, JudgedPage } from '../../pypi/listing.ts';

/** Seconds after which a document is looked at again: it may have changed. */
const LOOKED_AT_FOR = 24 * 3600;
/** Releases that are looked at when a page is seen, the newest that announce something; and files of them. */
const RELEASES = 2;
const FILES = 32;

/** Whether what is known of the file is of this file, this root, and recent enough. */
export function isJudged(kept: KeptJudgement | undefined, root: string, now: Instant): boolean {
  if (kept === undefined || kept.root !== root) return false;
  const { judgement, at } = kept;
  return now < (judgement.result === 'unavailable' ? retriedAt(at, judgement) : at + LOOKED_AT_FOR);
}

/** What was found out of the same bytes stays in force while nobody can be asked anew; and somebody is soon. */
export function standingIn(before: KeptJudgement, now: Instant): KeptJudgement {
  return { ...before, at: now - LOOKED_AT_FOR + AWAY_FOR };
}

/** Files of the newest releases that announce provenance, the newest first. Others are judged when somebody asks for them. */
export function newestAnnounced(page: JudgedPage): readonly JudgedFile[] {
  return releasesInOrder(page)
    .toReversed()
    .map(({ files }) =>
      files.flatMap((name) => page.files.get(name) ?? []).filter(({ entry }) => entry.provenance !== undefined),
    )
    .filter((announced) => announced.length > 0)
    .slice(0, RELEASES)
    .flat()
    .slice(0, FILES);
}

/** Those of them that are to be judged now. */
export function unjudged(
  files: readonly JudgedFile[],
  kept: KeptProvenance | undefined,
  root: string,
  now: Instant,
): readonly JudgedFile[] {
  return files.filter((file) => !isJudged(judgementOf(file, kept), root, now));
}
