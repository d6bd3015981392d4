import type { Caller } from '../../async/caller.ts';
import type { Facts } from '../../policy/facts.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Inside } from '../../ports/contents/inside.ts';
import type { Listing, OwnFile } from '../../pypi/listing.ts';

/** Keeps one kind of fact, by project. */
export interface FactSource<N extends keyof Facts = keyof Facts> {
  readonly name: N;
  /** Another one whenever the fact is another one; empty where there is none. No I/O: it is asked for every answer. */
  version(project: string): string;
  of(project: string): Facts[N];
  /** What is remembered of the project is at hand when this resolves; before a page of it is drawn. Throws Refusal `state`. */
  recall?(project: string): Promise<void>;
  /** A page was judged: what is not known of its files may be found out behind the answer. Throws nothing. */
  looked?(page: Listing): void;
  /** How files are had to be looked into, once there is an index. */
  seeInside?(inside: Inside): void;
  /** What others wrote of the project is in force when this resolves. Throws Refusal `state`. */
  follow?(project: string): Promise<void>;
  /** How many projects and versions it keeps from being served by an operator's word. */
  readonly quarantined?: number;
  /** The file was proved and is about to be sent: what rules must know of it is known when this resolves. Throws Refusal. */
  learn?(project: string, file: OwnFile, blob: Blob, caller: Caller): Promise<void>;
}
