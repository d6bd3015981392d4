/** What came of looking at the provenance of a file. */
export const PROVENANCE_RESULTS = ['verified', 'refused', 'unchecked', 'unavailable'] as const;
export type ProvenanceResult = (typeof PROVENANCE_RESULTS)[number];

/** Provenance of a file was judged, and this is new. */
export interface ProvenanceJudged {
  readonly index: string;
  readonly project: string;
  readonly file: string;
  readonly result: ProvenanceResult;
  /** Who published it, or why that is not said. */
  readonly why: string;
}
