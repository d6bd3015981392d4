import { isDigest } from '../../bytes/digest.ts';

/** What a round through everything that is stored came to, or has come to so far. */
export interface RoundCounts {
  /** Files that were read whole and are what their names say. */
  readonly files: number;
  /** Of those. */
  readonly bytes: number;
  /** What was set aside. */
  readonly damaged: number;
}

export interface EndedRound extends RoundCounts {
  /** Milliseconds since the epoch. */
  readonly endedMs: number;
  readonly seconds: number;
}

/** Where the round is that is under way. */
export interface Position extends RoundCounts {
  /** The last digest that was looked at, in the order of digests; empty at the begin. */
  readonly after: string;
  /** Milliseconds since the epoch. */
  readonly beganMs: number;
}

/** What outlasts a restart; no more than a hint. */
export interface ScrubState {
  readonly round: Position | undefined;
  readonly last: EndedRound | undefined;
}

/** Nothing is believed of what is not of this form: the round begins anew. */
export function readScrubState(record: Uint8Array | undefined): ScrubState {
  const said = parsed(record);
  const { round, last } = isObject(said) ? said : {};
  return { round: positionIn(round), last: endedIn(last) };
}

export function writeScrubState(state: ScrubState): Uint8Array {
  return Buffer.from(JSON.stringify(state));
}

function parsed(record: Uint8Array | undefined): unknown {
  if (record === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(record.buffer, record.byteOffset, record.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}

function positionIn(said: unknown): Position | undefined {
  const counts = countsIn(said);
  if (counts === undefined || !isObject(said) || !isCount(said['beganMs'])) return undefined;
  const after = said['after'];
  if (typeof after !== 'string' || !(after === '' || isDigest('sha256', after))) return undefined;
  return { ...counts, after, beganMs: said['beganMs'] };
}

function endedIn(said: unknown): EndedRound | undefined {
  const counts = countsIn(said);
  if (counts === undefined || !isObject(said)) return undefined;
  const { endedMs, seconds } = said;
  return isCount(endedMs) && isCount(seconds) ? { ...counts, endedMs, seconds } : undefined;
}

function countsIn(said: unknown): RoundCounts | undefined {
  if (!isObject(said)) return undefined;
  const { files, bytes, damaged } = said;
  return isCount(files) && isCount(bytes) && isCount(damaged) ? { files, bytes, damaged } : undefined;
}

function isObject(said: unknown): said is Readonly<Record<string, unknown>> {
  return typeof said === 'object' && said !== null;
}

function isCount(said: unknown): said is number {
  return typeof said === 'number' && Number.isSafeInteger(said) && said >= 0;
}
