import type { Instant } from '../../bytes/instant.ts';
import { AWAY_FOR, judgementOf, retriedAt } from '../../policy/provenance.ts';
import type { KeptJudgement, KeptProvenance } from '../../ports/provenance/kept.ts';
import type { JudgedFile, JudgedPage } from '../../pypi/listing.ts';
import { pep440VersionOf } from '../../pypi/names.ts';
import { compareVersions, parseVersion, type Version } from '../../pypi/requirement/version.ts';
import { versionKey } from '../../pypi/versions.ts';

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
export function newestAnnounced({ name, files }: JudgedPage): readonly JudgedFile[] {
  const releases = new Map<string, { readonly version: Version; readonly files: JudgedFile[] }>();
  for (const file of files.values()) {
    const { filename, provenance } = file.entry;
    const written = provenance === undefined ? undefined : pep440VersionOf(filename, name);
    const version = written === undefined ? undefined : parseVersion(written);
    if (written === undefined || version === undefined) continue;
    const key = versionKey(written);
    const release = releases.get(key) ?? { version, files: [] };
    release.files.push(file);
    releases.set(key, release);
  }
  const sorted = [...releases.values()].sort((one, other) => compareVersions(other.version, one.version));
  return sorted
    .slice(0, RELEASES)
    .flatMap((release) => release.files)
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
