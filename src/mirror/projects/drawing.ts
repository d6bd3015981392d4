import type { Caller } from '../../async/caller.ts';
import type { Instant } from '../../bytes/instant.ts';
import type { Believed, Source } from '../believed.ts';
import type { Life } from '../evidence.ts';

/** What is served of a belief. */
export interface Drawing<P, V> {
  readonly believed: Believed<P>;
  readonly view: V;
  /** False where the same bytes may be drawn otherwise the next time that upstream is asked. */
  readonly settled: boolean;
  /** From when on it is drawn again, whether or not upstream is asked. */
  readonly until: Instant | undefined;
  /** Of the rules it was drawn by. */
  readonly policy: string;
  /** Names the pins that let all of it be served, and how it was seen; undefined where they do not. */
  readonly pins: string | undefined;
  /** Bytes of memory. */
  readonly weight: number;
}

export type How = 'memory' | 'disk' | 'upstream';

/** `how`: where the answer came from. */
export interface Found<P, V> {
  readonly drawing: Drawing<P, V>;
  readonly how: How;
}

/** Makes what is served of one kind of document. A drawing is whole, or lean: what clients get, without what it was drawn from. */
export interface Drawer<P, V> {
  /** Whole. */
  draw(believed: Believed<P>, source: Source, caller: Caller): Promise<Drawing<P, V>>;
  /** Lean, from where it was drawn before; undefined where it must be drawn. */
  restore(believed: Believed<P>, source: Source): Promise<Drawing<P, V> | undefined>;
  isWhole(drawing: Drawing<P, V>): boolean;
  /** The same drawing, lean. */
  lean(drawing: Drawing<P, V>): Drawing<P, V>;
  /** The same drawing under another belief of the same bytes. No I/O. */
  under(drawing: Drawing<P, V>, believed: Believed<P>): Drawing<P, V>;
  /** The same bytes came again; undefined where they must be drawn anew. */
  again(drawing: Drawing<P, V>, believed: Believed<P>): Promise<Drawing<P, V> | undefined>;
  /** True where it must be drawn again before it is served. */
  isDue(drawing: Drawing<P, V>): boolean;
  /** True where the rules have changed since: it must not be served any more. */
  isOutdated(drawing: Drawing<P, V>): boolean;
  /** Upstream has no such document, or none any more. Does not throw. */
  gone(believed: Believed<P>): Promise<void>;
}

/** What may be served this instant, and how long it may be kept. */
export interface Warm<V> {
  readonly view: V;
  readonly life: Life | undefined;
}

/** What was believed before a look at upstream, and since; undefined for none. */
export interface Look<P> {
  readonly before: Believed<P> | undefined;
  readonly now: Believed<P> | undefined;
}

/**
 * `outlived`: also one that is not served any more, where evidence says that it still speaks for what is held. `held`: what is held, however
 * old that is, and upstream is not asked.
 */
export interface For {
  readonly outlived?: boolean;
  readonly held?: boolean;
}
