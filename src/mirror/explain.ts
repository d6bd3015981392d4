import type { Caller } from '../async/caller.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Pin } from '../ports/index-state.ts';
import { hintText, type LeftOutFile } from '../ports/left-out.ts';
import type { OwnFile } from '../pypi/listing.ts';
import { normalizeName, projectCandidates } from '../pypi/names.ts';
import type { Oddity } from '../pypi/project-page.ts';
import { isUnlisted } from './absence.ts';
import type { EvidenceKind } from './believed.ts';
import type { Evidence, EvidenceFacts } from './evidence.ts';
import type { RemovedFiles } from './files/removed-files.ts';
import { type RuleSum, sumsOf } from './policy/told-rules.ts';
import type { BelievedPage } from './projects/believed-page.ts';
import type { ProjectPages } from './projects/project-pages.ts';

/** Who vouches for a project or file, in facts. */
export interface Explanation extends EvidenceFacts {
  readonly evidence: EvidenceKind;
  readonly kind: 'project' | 'file';
  readonly name: string;
  readonly project: string;
  /** The page's own entry, for a file. */
  readonly digests: ReadonlyMap<string, string>;
  readonly pinned: Pin | undefined;
  /** The operator lets the index exchange files: nothing is compared with its pin. */
  readonly reuploads: boolean;
  readonly files: number;
  /** Of those, or of this one: upstream states no digest, and what it is here is what it was when first seen. */
  readonly firstSight: number;
  /** Of those, or of this one: upstream states no digest, and the signed manifest that brought it does. */
  readonly byManifest: number;
  /** Files that upstream lists and our page does not, and why; of a project. */
  readonly leftOut: readonly LeftOutFile[];
  /** Files that upstream lists no more, and that are served on by their addresses; of a project. */
  readonly removed: readonly string[];
  /** What rules of the policy say of them, or of this one. */
  readonly rules: readonly RuleSum[];
  /** Of those, or of this one: listed and not to be fetched, by host. */
  readonly outOfReach: ReadonlyMap<string, number>;
  /** In what the page is not as its norm wants it, and is read all the same. */
  readonly odd: readonly Oddity[];
}

interface ExplainOptions<P> {
  readonly evidence: Pick<Evidence<P>, 'kind' | 'explain'>;
  readonly pages: ProjectPages<P>;
  readonly pins: { of(project: string): Promise<ReadonlyMap<string, Pin>> };
  readonly reuploads: boolean;
  readonly removed?: Pick<RemovedFiles, 'of'> | undefined;
  /** True: by what is held; upstream is not asked for pages. */
  readonly held?: boolean | undefined;
}

/** The name is a file's if a page lists it, else a project's. Throws `unlisted` only when every page that could list it was read. */
export async function explain<P>(options: ExplainOptions<P>, name: string, caller: Caller): Promise<Explanation> {
  const { pages, held } = options;
  let unread: unknown;
  const read = (project: string) =>
    (held ? pages.known(project, caller).then((known) => known?.page) : pages.get(project, caller)).catch(
      (error: unknown) => {
        if (!isUnlisted(error)) unread ??= error;
        return undefined;
      },
    );
  if (name.includes('.'))
    for (const project of projectCandidates(name)) {
      const page = await read(project);
      const file = page?.file(name);
      if (page !== undefined && file !== undefined) return explanation(options, name, page, file, caller);
      const leftOut = page?.leftOut().find((each) => each.name === name);
      if (leftOut !== undefined)
        throw new Refusal(
          'unlisted',
          `Upstream lists ${name}, and this mirror leaves it out (${leftOut.why}): ${hintText(leftOut.why)}.`,
          { subject: 'file' },
        );
      // What could not be read may list it.
      const removed = unread === undefined ? await options.removed?.of(project, page) : undefined;
      if (removed?.includes(name) === true) throw removedUpstream(name);
    }
  const project = normalizeName(name);
  const page = project === undefined ? undefined : await read(project);
  if (page !== undefined) return explanation(options, name, page, undefined, caller);
  throw (
    unread ??
    new Refusal(
      'unlisted',
      project === undefined
        ? `"${name}" is neither a project's name nor a file that a page lists.`
        : `The index has no project called ${project}, and no page lists a file of that name.`,
      { subject: 'request' },
    )
  );
}

async function explanation<P>(
  { evidence, pages, pins, reuploads, removed }: ExplainOptions<P>,
  name: string,
  page: BelievedPage<P>,
  file: OwnFile | undefined,
  caller: Caller,
): Promise<Explanation> {
  const { project, listing } = page;
  const all = file === undefined ? [...listing.files.values()] : [file];
  return {
    ...(await evidence.explain(page.believed, caller)),
    evidence: evidence.kind,
    kind: file === undefined ? 'project' : 'file',
    name,
    project,
    digests: file?.entry.digests ?? new Map(),
    pinned: file === undefined ? undefined : (await pins.of(project)).get(file.entry.filename),
    reuploads,
    files: listing.files.size,
    firstSight: all.filter((each) => each.firstSight === true).length,
    byManifest: all.filter((each) => each.carried !== undefined).length,
    leftOut: file === undefined ? page.leftOut() : [],
    rules: sumsOf(page.told(file?.entry.filename), file?.entry.filename ?? project, listing.files.size),
    removed: file === undefined && removed !== undefined ? await removed.of(project, page) : [],
    outOfReach: evidence.kind === 'tuf' ? new Map() : pages.outOfReach(all),
    odd: listing.odd ?? [],
  };
}

function removedUpstream(name: string): Refusal {
  return new Refusal(
    'unlisted',
    `Upstream lists ${name} no more. It is held here as it was proved, and goes on being served by its address, out of pages (evidence: removed; removed: serve).`,
    { subject: 'file' },
  );
}
