import type { Refusal } from '../bytes/refusal.ts';
import type { Heard } from '../ports/newest.ts';
import type {
  CarriedIndex,
  EvidenceKind,
  IndexStatus,
  IndexTally,
  PackageIndex,
  SignedRepository,
  UnverifiedDocuments,
} from './package-index.ts';

const NO_TOTALS: IndexTally = {
  leftOut: new Map(),
  firstSight: 0,
  byManifest: 0,
  outOfReach: new Map(),
  quarantined: 0,
};

interface RefusingIndexOptions {
  readonly name: string;
  readonly evidence: EvidenceKind;
  readonly upstream: string;
  readonly layout: string;
  /** Why nothing of it is served. */
  readonly refusal: Refusal;
}

/** An index whose stored state cannot be believed: whatever it is asked for, it refuses for that reason, and no other index does. */
export class RefusingIndex implements PackageIndex {
  readonly name: string;
  readonly evidence: EvidenceKind;
  readonly signed: SignedRepository | undefined;
  readonly carried: CarriedIndex;
  readonly unverified: UnverifiedDocuments | undefined;
  readonly page: PackageIndex['page'];
  readonly isKept: PackageIndex['isKept'];
  readonly has: PackageIndex['has'];
  readonly holds: PackageIndex['holds'];
  readonly list: PackageIndex['list'];
  readonly file: PackageIndex['file'];
  readonly explain: PackageIndex['explain'];
  readonly known: PackageIndex['known'];
  readonly look: PackageIndex['look'];
  readonly listed: PackageIndex['listed'];
  readonly confirm: PackageIndex['confirm'];
  readonly listing: PackageIndex['listing'];
  readonly open: PackageIndex['open'];
  readonly settle: PackageIndex['settle'];
  readonly coreMetadata: PackageIndex['coreMetadata'];
  readonly isHeld: PackageIndex['isHeld'];
  readonly #options: RefusingIndexOptions;

  constructor(options: RefusingIndexOptions) {
    const refuse = async (): Promise<never> => {
      throw options.refusal;
    };
    this.#options = options;
    this.name = options.name;
    this.evidence = options.evidence;
    this.page = refuse;
    this.isKept = refuse;
    this.has = refuse;
    this.holds = refuse;
    this.list = refuse;
    this.file = refuse;
    this.explain = refuse;
    this.known = refuse;
    this.look = refuse;
    this.listed = refuse;
    this.confirm = refuse;
    this.listing = refuse;
    this.open = refuse;
    this.settle = refuse;
    this.carried = { take: refuse, adopt: refuse };
    this.coreMetadata = refuse;
    this.isHeld = refuse;
    // Neither kind of document is absent: nobody can say.
    this.signed =
      options.evidence === 'tuf'
        ? {
            timestamp: undefined,
            metadata: refuse,
            target: refuse,
            hasPages: false,
            async *listed() {
              yield await Promise.reject(options.refusal);
            },
            isTargetHeld: refuse,
            openTarget: refuse,
            refresh: refuse,
            hear: async () => 'unusable',
            adopt: refuse,
            confirmed: () => undefined,
            proveStoredRoles: refuse,
          }
        : undefined;
    this.unverified =
      options.evidence === 'index'
        ? {
            legacyJson: refuse,
            provenance: refuse,
            provenanceOf: refuse,
            variants: refuse,
            signature: refuse,
            relay: refuse,
          }
        : undefined;
  }

  get refusal(): Refusal {
    return this.#options.refusal;
  }

  warmPage(): undefined {
    return undefined;
  }

  isAbsent(): boolean {
    return false;
  }

  mayBeKept(): boolean {
    return true;
  }

  async *projects(): AsyncGenerator<string, void, undefined> {
    yield await Promise.reject<string>(this.#options.refusal);
  }

  async status(): Promise<IndexStatus> {
    const { name, evidence, upstream, layout, refusal } = this.#options;
    const { reason, message } = refusal;
    const lastError = { reason, message, at: 0 };
    return {
      name,
      evidence,
      upstream,
      layout,
      lastRefresh: undefined,
      lastError,
      roles: [],
      ...NO_TOTALS,
      silent: false,
      refusesAll: true,
    };
  }

  async tally(): Promise<IndexTally> {
    return NO_TOTALS;
  }

  async introduce(): Promise<void> {
    // Whatever upstream is like, nothing of it is served.
  }

  async hear(): Promise<Heard> {
    return 'unusable';
  }

  async follow(): Promise<void> {
    // Memory holds nothing.
  }

  async judgeAgain(): Promise<void> {
    // Nothing of it is served.
  }

  async settled(): Promise<void> {
    // Nothing was begun.
  }
}
