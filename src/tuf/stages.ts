import type { Instant } from '../bytes/instant.ts';
import { mustBe } from '../bytes/proof.ts';
import type { Signed, Snapshot, Targets, Timestamp } from './model.ts';
import { TrustedRoot } from './trusted-root.ts';
import { Verified } from './verified.ts';

// A stage is what has been proved so far: AtRoot → AtTimestamp → AtSnapshot → Generation. Each is made of the one before
// and of one document more, by a maker that accept.ts alone may import (test/architecture/makers.ts): skipping one does
// not compile.

let makeAtRoot: (now: Instant, root: TrustedRoot) => AtRoot;
let makeAtTimestamp: (at: AtRoot, timestamp: Verified<Timestamp>) => AtTimestamp;
let makeAtSnapshot: (at: AtTimestamp, snapshot: Verified<Snapshot>) => AtSnapshot;
let makeGeneration: (at: AtSnapshot, targets: Verified<Targets>) => Generation;

/** The newest root is trusted, as of one time. */
export class AtRoot {
  readonly #now: Instant;
  readonly #root: TrustedRoot;

  protected constructor(now: Instant, root: TrustedRoot) {
    if (!STAGES.has(new.target)) throw new TypeError('A stage has no other kinds than those of this file.');
    this.#now = now;
    this.#root = root;
  }

  static {
    makeAtRoot = (now, root) => new AtRoot(now, root);
  }

  static is(value: unknown): value is AtRoot {
    return typeof value === 'object' && value !== null && #root in value;
  }

  /** Fixed for the whole refresh (TUF §5.1). */
  get now(): Instant {
    return this.#now;
  }

  get root(): TrustedRoot {
    return this.#root;
  }
}

export class AtTimestamp extends AtRoot {
  readonly #timestamp: Verified<Timestamp>;

  protected constructor(at: AtRoot, timestamp: Verified<Timestamp>) {
    super(at.now, at.root);
    this.#timestamp = timestamp;
  }

  static {
    makeAtTimestamp = (at, timestamp) => new AtTimestamp(at, timestamp);
  }

  static override is(value: unknown): value is AtTimestamp {
    return typeof value === 'object' && value !== null && #timestamp in value;
  }

  get timestamp(): Verified<Timestamp> {
    return this.#timestamp;
  }
}

export class AtSnapshot extends AtTimestamp {
  readonly #snapshot: Verified<Snapshot>;

  protected constructor(at: AtTimestamp, snapshot: Verified<Snapshot>) {
    super(at, at.timestamp);
    this.#snapshot = snapshot;
  }

  static {
    makeAtSnapshot = (at, snapshot) => new AtSnapshot(at, snapshot);
  }

  static override is(value: unknown): value is AtSnapshot {
    return typeof value === 'object' && value !== null && #snapshot in value;
  }

  get snapshot(): Verified<Snapshot> {
    return this.#snapshot;
  }
}

/** One consistent set, root to targets: immutable, swapped whole. */
export class Generation extends AtSnapshot {
  readonly #targets: Verified<Targets>;

  private constructor(at: AtSnapshot, targets: Verified<Targets>) {
    super(at, at.snapshot);
    this.#targets = targets;
  }

  static {
    makeGeneration = (at, targets) => new Generation(at, targets);
  }

  static override is(value: unknown): value is Generation {
    return typeof value === 'object' && value !== null && #targets in value;
  }

  get targets(): Verified<Targets> {
    return this.#targets;
  }
}

const STAGES: ReadonlySet<unknown> = new Set([AtRoot, AtTimestamp, AtSnapshot, Generation]);

/** Where a refresh begins: a trusted root, and the time that all of it is judged at. */
export function asOf(root: TrustedRoot, now: Instant): AtRoot {
  return makeAtRoot(now, mustBe(TrustedRoot, root));
}

export function withTimestamp(at: AtRoot, timestamp: Verified<Timestamp>): AtTimestamp {
  return makeAtTimestamp(mustBe(AtRoot, at), opened(timestamp));
}

export function withSnapshot(at: AtTimestamp, snapshot: Verified<Snapshot>): AtSnapshot {
  return makeAtSnapshot(mustBe(AtTimestamp, at), opened(snapshot));
}

export function withTargets(at: AtSnapshot, targets: Verified<Targets>): Generation {
  return makeGeneration(mustBe(AtSnapshot, at), opened(targets));
}

function opened<S extends Signed>(document: Verified<S>): Verified<S> {
  mustBe<Verified<Signed>>(Verified, document);
  return document;
}
