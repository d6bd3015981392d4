import { claimedDigest } from '../../bytes/content-path.ts';
import { lend } from '../../bytes/proof.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { CarriedDocument } from '../../ports/carried.ts';
import { decodeList } from '../../pypi/decode.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import type { KnownFile } from '../../pypi/relink.ts';
import { type Believed, makeBelieved, type Observation, type Source } from '../believed.ts';
import type { Evidence, EvidenceFacts, EvidenceStatus, KnownDigests, Life, Stands, Vouched } from '../evidence.ts';
import { LIMITS } from '../limits.ts';
import { expectedOf, type LoadedGeneration } from './generation.ts';
import { carriedStatus, labelOf } from './status.ts';
import type { CarriedTime } from './time.ts';

/** What a belief in a carried document rests on: the generation that lists it. */
export interface CarriedProof {
  readonly generation: LoadedGeneration;
  /** Undefined where it lists none. */
  readonly document: CarriedDocument | undefined;
  /** True where it rests on what the manifest says of files, too: then it holds for this generation alone. */
  readonly withFiles?: true;
}

export interface CarriedEvidenceOptions {
  readonly index: string;
  readonly generation: () => LoadedGeneration | undefined;
  readonly time: CarriedTime;
  /** Why nothing of it is served any more, where it is too old. */
  readonly spent: () => Refusal | undefined;
  readonly blobs: Pick<Blobs, 'readDocument'>;
  /** What links are relative to where a manifest does not say. */
  readonly base: string;
  /** True where a path `aa/bb/rest` is the file's BLAKE2b-256: then it must hold too. */
  readonly contentAddressed: boolean;
  /** `withhold`: what a page states no digest of is not served, whatever a manifest says. */
  readonly undigested: 'first-sight' | 'withhold';
}

const LIST = '';

/**
 * A page is believed because a manifest lists it that a key of this site signed: as the index told it the sender, who took a second look. It is
 * no older than import.max_age, and nobody is asked for a later one.
 */
export class CarriedEvidence implements Evidence<CarriedProof> {
  readonly kind = 'index';
  readonly isAskedByName = false;
  readonly #options: CarriedEvidenceOptions;
  /** The names on the list that a generation carries. */
  #names: { readonly sha256: string; readonly all: ReadonlySet<string> } | undefined;

  constructor(options: CarriedEvidenceOptions) {
    this.#options = options;
  }

  async ask(name: string): Promise<Believed<CarriedProof>> {
    const generation = this.#options.generation();
    const spent = this.#options.spent();
    if (spent !== undefined) throw spent;
    if (generation === undefined)
      throw new Refusal('offline', 'Nothing was imported into this index yet: verbatim import FILE.', {
        subject: name === LIST ? 'list' : 'page',
      });
    const document = name === LIST ? generation.list : generation.page(name);
    if (document !== undefined) return this.#believed(name, { generation, document });
    if (name === LIST) throw new Refusal('unlisted', 'No list of all projects was carried.', { subject: 'list' });
    if (await this.#mayExist(name, generation))
      throw new Refusal('offline', `${name} was not carried: the index may have it, and nobody is asked.`, {
        subject: 'page',
      });
    return this.#believed(name, { generation, document: undefined });
  }

  standing(believed: Believed<CarriedProof>): Stands<CarriedProof> {
    const generation = this.#options.generation();
    if (generation === undefined || this.#options.spent() !== undefined) return { standing: 'expired', believed };
    const { name, proof } = believed;
    if (proof.generation === generation) return { standing: 'fresh', believed };
    const document = name === LIST ? generation.list : generation.page(name);
    if (proof.withFiles === true || document === undefined || !isSame(document, proof.document))
      return { standing: 'expired', believed };
    return { standing: 'fresh', believed: this.#under(believed, { generation, document }) };
  }

  /** Whoever keeps it asks again: the next bundle may be imported at any moment. */
  life({ proof }: Believed<CarriedProof>): Life {
    const said = proof.document?.confirmed ?? proof.generation.record.stateAt;
    return { age: Math.max(0, this.#options.time.now() - said), left: 0 };
  }

  /** Past its age it speaks for nothing. */
  outlives(): boolean {
    return false;
  }

  /** What the manifest names them by, which is worth as much as the page that it names: nothing else speaks for either. */
  async digests(believed: Believed<CarriedProof>, filenames: readonly string[]): Promise<KnownDigests<CarriedProof>> {
    const { generation, document } = believed.proof;
    const known = new Map<string, KnownFile>();
    if (document === undefined || this.#options.undigested === 'withhold') return { known, believed };
    const carried = labelOf(generation.record);
    const wanted = new Set(filenames);
    for await (const { filename, sha256, size: length } of generation.files(document))
      if (wanted.has(filename)) known.set(filename, { length, digests: new Map([['sha256', sha256]]), carried });
    return { known, believed: this.#under(believed, { ...believed.proof, withFiles: true }) };
  }

  async voucher(_: unknown, { content, entry }: OwnFile, filename: string): Promise<Vouched | undefined> {
    if (!this.#options.contentAddressed || content === undefined || filename !== entry.filename) return undefined;
    return { stated: { digests: new Map([['blake2b-256', claimedDigest(content)]]) }, urls: [] };
  }

  async explain(): Promise<EvidenceFacts> {
    return { target: '', chain: [], forgeableOnline: [], carried: carriedStatus(this.#options.time) };
  }

  async status(): Promise<EvidenceStatus> {
    const { time } = this.#options;
    const generation = this.#options.generation();
    return {
      upstream: 'carried by import',
      layout: 'simple',
      lastRefresh: generation?.record.stateAt,
      lastError: undefined,
      roles: [],
      carried: carriedStatus(time),
    };
  }

  /** A list that was carried says which projects there are; without one nobody does. */
  async #mayExist(name: string, { list }: LoadedGeneration): Promise<boolean> {
    if (list === undefined) return true;
    if (this.#names?.sha256 !== list.sha256)
      this.#names = { sha256: list.sha256, all: new Set(decodeList(await this.#read(list))) };
    return this.#names.all.has(name);
  }

  #believed(name: string, proof: CarriedProof): Believed<CarriedProof> {
    const { document } = proof;
    return makeBelieved('index', {
      name,
      source: document && this.#source(document),
      observation: this.#observationOf(proof),
      from: 'disk',
      proof,
    });
  }

  #under({ name, source, from }: Believed<CarriedProof>, proof: CarriedProof): Believed<CarriedProof> {
    return makeBelieved('index', { name, source, observation: this.#observationOf(proof), from, proof });
  }

  /** The sender believed it, and took a second look where there was something to lose. */
  #observationOf({ generation }: CarriedProof): Observation {
    const { number, stateAt: asOf } = generation.record;
    const before = this.#options.time.carried?.generations.findLast((each) => each.number < number)?.stateAt;
    return { fetch: `bundle ${number}`, final: false, repeated: true, carried: { asOf, before } };
  }

  #source(document: CarriedDocument): Source {
    const { sha256, url = `${this.#options.base}${document.project}/`, serial } = document;
    return { sha256, url, serial, weight: 0, read: () => this.#read(document) };
  }

  async #read(document: CarriedDocument): Promise<Uint8Array> {
    const { kind, project } = document;
    const limit = kind === 'list' ? LIMITS.list : LIMITS.page;
    const proved = await this.#options.blobs.readDocument(expectedOf(document), limit);
    if (proved !== undefined) return lend(proved.bytes);
    throw new Refusal(
      'offline',
      `The ${kind} of ${project} was imported and is gone or damaged here: import it again.`,
      {
        subject: kind === 'list' ? 'list' : 'page',
      },
    );
  }
}

function isSame(a: CarriedDocument, b: CarriedDocument | undefined): boolean {
  return a.sha256 === b?.sha256 && a.url === b.url;
}
