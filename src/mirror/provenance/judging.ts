import type { Caller } from '../../async/caller.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import type { Instant } from '../../bytes/instant.ts';
import { lend } from '../../bytes/proof.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { KeptJudgement, Unavailable } from '../../ports/provenance/kept.ts';
import type { ProvenanceWork, SigstoreRoot } from '../../ports/provenance/work.ts';
import type { JudgedFile } from '../../pypi/listing.ts';
import { versionOf } from '../../pypi/names.ts';
import type { UnverifiedDocuments } from '../package-index.ts';
import { standingIn } from './choice.ts';

export interface JudgingOptions {
  readonly work: ProvenanceWork;
  /** What is believed of Sigstore now. Throws Refusal where that cannot be had. */
  readonly root: () => Promise<SigstoreRoot>;
  readonly gitlab: readonly string[];
}

interface Asked {
  readonly project: string;
  readonly file: JudgedFile;
  readonly before: KeptJudgement | undefined;
  readonly now: Instant;
}

/** Fetches the provenance of a file and has it judged; what was judged before for the same three digests is not judged again. */
export async function judgeFile(
  { work, root: rootOf, gitlab }: JudgingOptions,
  documents: Pick<UnverifiedDocuments, 'provenanceOf'>,
  { project, file, before, now }: Asked,
  caller: Caller,
): Promise<KeptJudgement | undefined> {
  const { filename, digests } = file.entry;
  const sha256 = digests.get('sha256');
  const version = versionOf(filename, project);
  // Provenance is about a digest: of a file that has none nothing can be said.
  if (sha256 === undefined || version === undefined) return undefined;
  const root = await rootOf();
  const of = { file: sha256, root: root.sha256, at: now };
  try {
    const bytes = lend((await documents.provenanceOf(project, version, file, caller)).bytes);
    const document = sha256Hex(bytes);
    const isSame = before?.file === sha256 && before.document === document && before.root === root.sha256;
    if (isSame) return { ...before, at: now };
    const judgement = await work.judge({ bytes, file: { project, filename, sha256 }, root, gitlab }, caller);
    return { ...of, document, judgement };
  } catch (error) {
    if (caller.signal.aborted || !(error instanceof Refusal)) throw error;
    const judgement = notHad(error);
    const isOpen = judgement.result === 'unavailable' && !judgement.lasting;
    const isKnown = before?.file === sha256 && before.root === root.sha256 && before.judgement.result !== 'unavailable';
    return isOpen && isKnown ? standingIn(before, now) : { ...of, document: undefined, judgement };
  }
}

/** Too much is as wrong as something malformed; everything else may come right. No words of the refusal: they may name hosts, and clients read these. */
function notHad({ reason, transient }: Refusal): { readonly result: 'refused'; readonly why: string } | Unavailable {
  if (reason === 'limit' && !transient) return { result: 'refused', why: 'it is larger than this mirror accepts' };
  if (reason === 'unlisted') return { result: 'unavailable', why: 'upstream says that there is none', lasting: true };
  if (transient)
    return { result: 'unavailable', why: `upstream does not bring it now (${reason})`, lasting: false, transient };
  const why = reason === 'offline' ? 'nobody is asked, and it is not held' : `upstream does not bring it (${reason})`;
  return { result: 'unavailable', why, lasting: false };
}
