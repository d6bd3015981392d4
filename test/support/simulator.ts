import { Refusal } from '../../src/bytes/refusal.ts';
import { type Authority, encodeRole } from '../../src/repository/documents.ts';
import { Repository, type RepositoryOptions } from '../../src/repository/repository.ts';
import { createClock, type TestClock } from './clock.ts';
import { authority } from './keys.ts';

/** What a client asks a repository for; an absent version means the unversioned name. */
export interface MetadataRequest {
  readonly role: string;
  readonly version?: number | undefined;
  readonly limit: number;
}

/** What stands in for a document: other bytes, nothing (404), or something that happens instead. */
export type Instead = Uint8Array | undefined | (() => Uint8Array | undefined | Promise<Uint8Array | undefined>);

/** An in-memory repository that can misbehave. */
export interface Simulator {
  readonly clock: TestClock;
  readonly repository: Repository;
  /** The `MetadataSource` that a client reads. */
  readonly source: { readonly read: (request: MetadataRequest) => Promise<Uint8Array | undefined> };
  /** File names in the order they were asked for, such as `2.root.json`. */
  readonly reads: string[];
  /** Answers a file name with something else from now on. */
  readonly instead: (name: string, answer: Instead) => void;
  readonly drop: (name: string) => void;
  /** Everything as it stands, to be replayed. */
  readonly save: () => ReadonlyMap<string, Uint8Array>;
  /** Serves a saved state instead of the repository; undefined ends it. */
  readonly replay: (saved: ReadonlyMap<string, Uint8Array> | undefined) => void;
  /** Lifts every misbehaviour. */
  readonly behave: () => void;
  /** From now on every read throws: proves that nothing asks the network. */
  readonly cut: () => void;
  /** A published metadata file. */
  readonly bytes: (name: string) => Uint8Array;
  readonly rootBytes: (version?: number) => Uint8Array;
}

export interface SimulatorOptions extends Partial<Omit<RepositoryOptions, 'now' | 'authorities'>> {
  readonly clock?: TestClock;
  readonly authorities?: Partial<RepositoryOptions['authorities']>;
  /** Fills the repository before it is published for the first time. */
  readonly fill?: (repository: Repository) => void;
}

/** The file name a request means (TUF §3.1.2). */
export function fileName(role: string, version: number | undefined): string {
  return `${version === undefined ? '' : `${version}.`}${encodeRole(role)}.json`;
}

const defaults: Readonly<Record<'root' | 'timestamp' | 'snapshot' | 'targets', Authority>> = {
  root: authority(['root']),
  timestamp: authority(['timestamp']),
  snapshot: authority(['snapshot']),
  targets: authority(['targets']),
};

/** A repository with one key a role, published once; `fill` may add to it before that. */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const { clock = createClock(), authorities, fill, ...rest } = options;
  const repository = new Repository({ ...rest, authorities: { ...defaults, ...authorities }, now: clock.now });
  fill?.(repository);
  repository.publish();

  const answers = new Map<string, Instead>();
  const reads: string[] = [];
  let replayed: ReadonlyMap<string, Uint8Array> | undefined;
  let isCut = false;

  async function read({ role, version, limit }: MetadataRequest): Promise<Uint8Array | undefined> {
    const name = fileName(role, version);
    reads.push(name);
    if (isCut) throw new Error(`asked the network for ${name}`);
    const answer = answers.has(name) ? answers.get(name) : (replayed ?? repository.files).get(`metadata/${name}`);
    const bytes = typeof answer === 'function' ? await answer() : answer;
    if (bytes !== undefined && bytes.byteLength > limit)
      throw new Refusal('limit', `${name} has more than ${limit} bytes.`);
    return bytes;
  }

  function bytes(name: string): Uint8Array {
    const found = repository.files.get(`metadata/${name}`);
    if (found === undefined) throw new Error(`not published: ${name}`);
    return found;
  }

  return {
    clock,
    repository,
    source: { read },
    reads,
    instead: (name, answer) => {
      answers.set(name, answer);
    },
    drop: (name) => {
      answers.set(name, undefined);
    },
    save: () => new Map(repository.files),
    replay: (saved) => {
      replayed = saved;
    },
    behave() {
      answers.clear();
      replayed = undefined;
      isCut = false;
    },
    cut: () => {
      isCut = true;
    },
    bytes,
    rootBytes: (version = repository.root.version) => bytes(`${version}.root.json`),
  };
}
