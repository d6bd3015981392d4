import type { Caller } from '../../async/caller.ts';
import { lend } from '../../bytes/proof.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import type { SigstoreRoot } from '../../ports/provenance/work.ts';
import { type Grounds, judgeProvenance } from '../../provenance/judge.ts';
import { type JudgedFile, type Release, releasesOf } from '../../provenance/releases.ts';
import { readTrustedRoot } from '../../provenance/trusted-root.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import { isDistribution, versionOf } from '../../pypi/names.ts';

/** Who published a project's files, as far as it is held here. */
export interface ProvenanceReport {
  readonly index: string;
  readonly project: string;
  readonly releases: readonly Release[];
}

/** Judges what is held of a project's provenance; of the one file, where `filename` says so. Throws Refusal where no page of it is held. */
export async function gatherProvenance(
  index: PackageIndex,
  { project, filename }: { readonly project: string; readonly filename?: string | undefined },
  { root, issuers }: { readonly root: SigstoreRoot; readonly issuers: Grounds['issuers'] },
  caller: Caller,
): Promise<ProvenanceReport> {
  const grounds = { root: readTrustedRoot(root.bytes), issuers };
  const { listing } = await index.listing(project, caller);
  const files: JudgedFile[] = [];
  for (const file of listing.files.values()) {
    const { filename: name } = file.entry;
    const version = versionOf(name, project);
    if (version === undefined || !isDistribution(name) || (filename !== undefined && filename !== name)) continue;
    files.push({
      filename: name,
      version,
      provenance: await judged(index, { project, version, file }, grounds, caller),
    });
  }
  if (filename !== undefined && files.length === 0)
    throw new Refusal('unlisted', `The page of ${project} that is held lists no file ${filename}.`, {
      subject: 'file',
    });
  return { index: index.name, project, releases: releasesOf(files) };
}

interface Asked {
  readonly project: string;
  readonly version: string;
  readonly file: OwnFile;
}

async function judged(
  { unverified }: PackageIndex,
  { project, version, file }: Asked,
  grounds: Grounds,
  caller: Caller,
): Promise<JudgedFile['provenance']> {
  const { filename, digests, provenance } = file.entry;
  if (provenance === undefined) return { result: 'none' };
  const document = await unverified?.provenance(project, version, filename, caller).catch((error: unknown) => {
    if (error instanceof Refusal && NOT_HELD.has(error.reason)) return undefined;
    throw error;
  });
  if (document === undefined) return { result: 'unknown' };
  const sha256 = digests.get('sha256');
  if (sha256 === undefined) return { result: 'unchecked', why: 'the index states no sha256 of the file' };
  return judgeProvenance(lend(document.bytes), { project, filename, sha256 }, grounds);
}

const NOT_HELD: ReadonlySet<string> = new Set(['offline', 'unlisted']);
