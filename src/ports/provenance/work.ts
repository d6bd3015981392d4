import type { Caller } from '../../async/caller.ts';
import type { Judgement } from '../../provenance/judge.ts';
import type { Attested } from '../../provenance/statement.ts';

/** What is believed of Sigstore: its `trusted_root.json`, proved by whoever brought it. */
export interface SigstoreRoot {
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

/** Provenance as it came, and by what it is judged. */
export interface ProvenanceGiven {
  readonly bytes: Uint8Array;
  readonly file: Attested;
  readonly root: SigstoreRoot;
  /** Issuers of GitLab instances of one's own. */
  readonly gitlab: readonly string[];
}

/** Judging takes a few milliseconds, in which no request may have to wait. */
export interface ProvenanceWork {
  /** Whatever is in the bytes is a judgement; too much, too deep or too slow is `refused`. Throws Refusal `limit` (transient) where too many wait, `format` for a root that cannot be read. */
  judge(given: ProvenanceGiven, caller: Caller): Promise<Judgement>;
}
