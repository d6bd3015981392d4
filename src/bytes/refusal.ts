/**
 * Why bytes, a request or a start were refused: at once what tests assert, the log field, the metric label
 * and the key of a paragraph in docs/trust.md.
 */
export const REASONS = [
  'format',
  'limit',
  'algorithm',
  'threshold',
  'rollback',
  'expired',
  'mix-and-match',
  'length',
  'digest',
  'delegation',
  'unlisted',
  'changed',
  'regressed',
  'clock',
  'truncated',
  'slow',
  'unreachable',
  'forbidden',
  'redirect',
  'encoding',
  'foreign',
  'state',
  'policy',
  'offline',
] as const;

/** Those that tell of bytes that are not what was promised, by whoever's fault: what somebody should be woken for. */
export const SECURITY_REASONS = [
  'algorithm',
  'threshold',
  'rollback',
  'mix-and-match',
  'length',
  'digest',
  'delegation',
  'changed',
] as const satisfies readonly (typeof REASONS)[number][];

export type Reason = (typeof REASONS)[number];

/** What was refused; a closed set, because it labels a metric. */
export const SUBJECTS = [
  'root',
  'timestamp',
  'snapshot',
  'targets',
  'delegated',
  'page',
  'list',
  'file',
  'core-metadata',
  'target',
  'state',
  'request',
] as const;

export type Subject = (typeof SUBJECTS)[number];

/** What upstream said instead of what it was asked for. */
export interface Said {
  readonly status: number;
  /** One line, bounded, without control characters; empty where it said nothing. */
  readonly words: string;
}

/** A rule that refuses, and what it refuses. */
export interface RuledOut {
  readonly rule: string;
  readonly project: string;
  /** Undefined where it is the whole project. */
  readonly file: string | undefined;
  /** Seconds since 1970: the rule says otherwise from then on; undefined where time changes nothing. */
  readonly until: number | undefined;
}

interface RefusalOptions {
  readonly subject?: Subject | undefined;
  readonly cause?: unknown;
  /** True where the same request may well succeed a moment later (overload, upstream away): 503, not 502. */
  readonly transient?: boolean | undefined;
  /** Where upstream refused it, and not this mirror. */
  readonly said?: Said | undefined;
  /** Seconds for which the answer may be kept, where it may be. */
  readonly keptFor?: number | undefined;
  /** Seconds before which asking again is refused again, where that is known. */
  readonly retryIn?: number | undefined;
  /** Where a rule refuses. */
  readonly ruled?: RuledOut | undefined;
}

/** A refusal is an answer, not a crash: `reason` for machines, `message` one plain sentence for people. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly reason: Reason;
  readonly subject: Subject | undefined;
  readonly transient: boolean;
  readonly said: Said | undefined;
  readonly keptFor: number | undefined;
  readonly retryIn: number | undefined;
  readonly ruled: RuledOut | undefined;

  constructor(reason: Reason, message: string, options: RefusalOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.subject = options.subject;
    this.transient = options.transient ?? false;
    this.said = options.said;
    this.keptFor = options.keptFor;
    this.retryIn = options.retryIn;
    this.ruled = options.ruled;
  }
}

/** The same refusal with what it was about filled in, where the thrower could not know. */
export function about(error: unknown, subject: Subject): unknown {
  if (!(error instanceof Refusal) || error.subject !== undefined) return error;
  const { reason, message, transient, said, retryIn, ruled } = error;
  return new Refusal(reason, message, { subject, cause: error.cause ?? error, transient, said, retryIn, ruled });
}
