import type { Instant } from '../bytes/instant.ts';
import type { Action } from './rule.ts';

// What an operator has written, checked and with its defaults: data alone, without anything compiled.

export type Fixes = 'wait' | 'pass';

export interface PolicySettings {
  readonly minimumAge:
    | {
        /** Seconds; 0 for none. */
        readonly files: number;
        readonly projects: number;
        readonly since: Instant | undefined;
        readonly action: Action;
        /** Whether a release that is stated to mend a known fault has to wait. */
        readonly fixes: Fixes;
      }
    | undefined;
  /** What pages carry as the upload-time of a file of which upstream states none. */
  readonly missingUploadTime: 'omit' | 'first-sight';
  /** In the order in which they were written: the first that matches a project counts. */
  readonly projects: readonly { readonly match: string; readonly minimumAge: number | undefined }[];
  readonly names: NamesSettings | undefined;
  readonly conditions: readonly ConditionSettings[];
  readonly exceptions: readonly ExceptionSettings[];
}

export interface NamesSettings {
  /** Patterns; undefined: every name. */
  readonly allow: readonly string[] | undefined;
  readonly deny: readonly string[];
  readonly action: Action;
}

interface AnyCondition {
  readonly name: string;
  readonly action: Action;
}

/** The closed list of conditions. */
export type ConditionSettings = AnyCondition &
  (
    | { readonly when: 'sdist-only' }
    | { readonly when: 'late-file'; readonly after: number }
    | { readonly when: 'status'; readonly in: readonly string[] }
    | { readonly when: 'similar-name'; readonly to: readonly string[]; readonly youngerThan: number }
    | ({
        readonly when: 'licence';
        readonly allow: readonly string[] | undefined;
        readonly deny: readonly string[];
      } & OnContents)
    | ({ readonly when: 'new-pth' | 'metadata-differs' } & OnContents)
  );

/** Conditions on what lies in a file: until somebody has looked into it there is nothing to say. */
interface OnContents {
  /** What becomes of what cannot be judged, or not yet. */
  readonly unjudged: Action;
}

export interface ExceptionSettings {
  /** A pattern. */
  readonly project: string;
  readonly file: string | undefined;
  readonly rule: string | undefined;
  readonly reason: string;
  readonly until: Instant | undefined;
}
