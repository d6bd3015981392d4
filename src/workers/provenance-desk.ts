import type { ProvenanceGiven } from '../ports/provenance/work.ts';
import type { Grounds, Judgement } from '../provenance/judge.ts';

/** Judges provenance on this thread. What verifies is loaded when it is first needed, and the root read once. */
export function createProvenanceDesk(): (given: ProvenanceGiven) => Promise<Judgement> {
  let last: { readonly sha256: string; readonly root: Grounds['root'] } | undefined;
  return async ({ bytes, file, root, gitlab }) => {
    const [{ judgeProvenance }, { readTrustedRoot }] = await Promise.all([
      import('../provenance/judge.ts'),
      import('../provenance/trusted-root.ts'),
    ]);
    if (last?.sha256 !== root.sha256) last = { sha256: root.sha256, root: readTrustedRoot(root.bytes) };
    return judgeProvenance(bytes, file, { root: last.root, issuers: { gitlab } });
  };
}
