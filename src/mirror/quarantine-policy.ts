import { Refusal } from '../bytes/refusal.ts';
import type { IndexState } from '../ports/index-state.ts';
import type { Allowed, Denied, PageVerdict, Policy, QuarantineEntry, Verdict } from '../ports/policy.ts';
import type { JudgedPage, OwnFile } from '../pypi/listing.ts';
import { versionOf } from '../pypi/names.ts';
import { versionKey } from '../pypi/versions.ts';

/** Where an operator's words are kept. */
type Words = Pick<IndexState, 'quarantine' | 'projects'>;

/** What is in quarantine of one project by an operator's word. */
interface ByHand {
  /** Of the item it was read from: an older one takes nothing back. */
  readonly version: number;
  readonly id: string;
  readonly whole: QuarantineEntry | undefined;
  /** By the key that every spelling of a version has. */
  readonly versions: ReadonlyMap<string, QuarantineEntry>;
}

const RULES = 'quarantine 1';
const SERVE: Allowed = { action: 'serve' };
const NONE: ReadonlyMap<string, Verdict> = new Map();

/**
 * Nothing of a project that its index has quarantined (PEP 792) is offered, whatever its page still lists; nor what an operator has put in
 * quarantine here, project or version, whatever the index says.
 */
export class QuarantinePolicy implements Policy {
  readonly #words: Words;
  readonly #byHand = new Map<string, ByHand>();

  constructor(words: Words) {
    this.#words = words;
  }

  /** Throws Refusal `state`. */
  static async open(words: Words): Promise<QuarantinePolicy> {
    const policy = new QuarantinePolicy(words);
    for await (const project of words.projects('quarantine')) await policy.follow(project);
    return policy;
  }

  version(project: string): string {
    const byHand = this.#of(project);
    return byHand === undefined ? RULES : `${RULES}, ${byHand.id}`;
  }

  /** The page of a project in quarantine is there, and lists nothing: installers then take nothing of it from elsewhere unasked. */
  name(): Verdict {
    return SERVE;
  }

  page(listing: JudgedPage): PageVerdict {
    const { name, files } = listing;
    if (listing.projectStatus?.status === 'quarantined') return { files: NONE, others: quarantined(listing) };
    const byHand = this.#of(name);
    if (byHand === undefined) return { files: NONE, others: SERVE };
    if (byHand.whole !== undefined) return { files: NONE, others: held(byHand.whole) };
    const judged = [...files.keys()].map((filename) => [filename, this.unlisted(name, filename)] as const);
    return { files: new Map(judged.filter(([, { action }]) => action !== 'serve')), others: SERVE };
  }

  unlisted(project: string, filename: string): Verdict {
    const byHand = this.#of(project);
    if (byHand === undefined) return SERVE;
    const version = versionOf(filename, project)?.replaceAll('_', '-');
    const entry = byHand.whole ?? (version === undefined ? undefined : byHand.versions.get(versionKey(version)));
    return entry === undefined ? SERVE : held(entry);
  }

  /** Once more: it may have been put in quarantine while it was fetched. */
  async file(project: string, { entry }: OwnFile): Promise<Verdict> {
    return this.unlisted(project, entry.filename);
  }

  async follow(project: string): Promise<void> {
    const known = await this.#words.quarantine(project).read();
    if (known === undefined) {
      this.#byHand.delete(project);
      return;
    }
    const { version, id, value } = known;
    if ((this.#byHand.get(project)?.version ?? 0) > version) return;
    const versions = value.flatMap((entry) =>
      entry.version === undefined ? [] : [[versionKey(entry.version), entry] as const],
    );
    const whole = value.find((entry) => entry.version === undefined);
    this.#byHand.set(project, { version, id, whole, versions: new Map(versions) });
  }

  /** Undefined also where all of it was lifted. */
  #of(project: string): ByHand | undefined {
    const byHand = this.#byHand.get(project);
    return byHand?.whole === undefined && (byHand?.versions.size ?? 0) === 0 ? undefined : byHand;
  }
}

function quarantined({ name, projectStatus }: JudgedPage): Denied {
  const why = projectStatus?.reason === undefined ? '' : ` (${projectStatus.reason})`;
  return {
    action: 'hide',
    rule: 'quarantined upstream',
    refusal: (filename) =>
      new Refusal('policy', `The index has quarantined ${name}${why}, so ${filename} is not served.`, {
        subject: 'file',
      }),
  };
}

function held({ version, reason }: QuarantineEntry): Denied {
  const what = version === undefined ? 'all of its project' : `version ${version}`;
  return {
    action: 'hide',
    rule: 'quarantined here',
    refusal: (filename) =>
      new Refusal('policy', `${filename} is not served: an operator has put ${what} in quarantine here (${reason}).`, {
        subject: 'file',
      }),
  };
}
