import type { Caller } from '../async/caller.ts';
import type { Instant } from '../bytes/instant.ts';
import type { UnsavedPage } from '../ports/index-state.ts';

/** `tuf`: proved by signatures. `index`: the index's own word, heard over TLS and looked at twice where it takes away. */
export type EvidenceKind = 'tuf' | 'index';

/** A document as upstream had it. */
export interface Source {
  /** Of its bytes; lower-case hex. */
  readonly sha256: string;
  /** What its links are relative to. */
  readonly url: string;
  /** Upstream's count of its changes (X-PyPI-Last-Serial), where it tells one. */
  readonly serial: number | undefined;
  /** Bytes of memory that the belief keeps. */
  readonly weight: number;
  /** The whole document; from our own state where it is there. Throws Refusal. */
  read(caller: Caller): Promise<Uint8Array>;
}

/** How upstream's word was heard: what a pin that is made from it is worth. */
export interface Observation {
  /** Names the fetch the document came by; undefined where signatures vouch for it. */
  readonly fetch: string | undefined;
  /** Signatures vouch for it: nothing needs to be seen again. */
  readonly final: boolean;
  /** Two whole fetches agreed. */
  readonly repeated: boolean;
  /** When upstream last stood by the document that this one takes the place of; undefined where there was none, or nobody knows. */
  readonly before?: Instant | undefined;
  /** Of what arrives by import, which nobody takes a second look at: as of when it says what is offered, and as of when what it replaced did. */
  readonly carried?: { readonly asOf: Instant; readonly before: Instant | undefined } | undefined;
}

/** Whether what it lacks is offered no longer: nobody takes a second look. */
export function isSettled({ final, carried }: Observation): boolean {
  return final || carried !== undefined;
}

export interface Belief<P> {
  /** The normalized name of a project; empty for the list of all projects. */
  readonly name: string;
  /** Undefined: there is no such document. */
  readonly source: Source | undefined;
  readonly observation: Observation;
  /** Where the word came from that it rests on. */
  readonly from: 'disk' | 'upstream';
  /** Why it is believed: the evidence's own. */
  readonly proof: P;
  /** What has to be stored before anything is served by it. */
  readonly unsaved?: UnsavedPage | undefined;
}

let make: <P>(kind: EvidenceKind, belief: Belief<P>) => Believed<P>;

/** A document that one kind of evidence vouches for, or that there is none. */
export class Believed<P> implements Belief<P> {
  readonly #kind: EvidenceKind;
  readonly #belief: Belief<P>;

  private constructor(kind: EvidenceKind, belief: Belief<P>) {
    this.#kind = kind;
    this.#belief = belief;
  }

  static {
    make = (kind, belief) => new Believed(kind, belief);
  }

  static is(value: unknown): value is Believed<unknown> {
    return typeof value === 'object' && value !== null && #belief in value;
  }

  get kind(): EvidenceKind {
    return this.#kind;
  }

  get name(): string {
    return this.#belief.name;
  }

  get source(): Source | undefined {
    return this.#belief.source;
  }

  get observation(): Observation {
    return this.#belief.observation;
  }

  get from(): 'disk' | 'upstream' {
    return this.#belief.from;
  }

  get unsaved(): UnsavedPage | undefined {
    return this.#belief.unsaved;
  }

  get proof(): P {
    return this.#belief.proof;
  }
}

/** Only the implementations of Evidence may import this, one in each of mirror/tuf, mirror/unsigned and mirror/carried. */
export function makeBelieved<P>(kind: EvidenceKind, belief: Belief<P>): Believed<P> {
  return make(kind, { ...belief });
}
