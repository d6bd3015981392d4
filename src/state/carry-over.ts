import { z } from 'zod';
import { sha256Hex } from '../bytes/digest.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { PageState } from '../ports/index-state.ts';
import type { ItemPath } from '../ports/state-storage.ts';
import { encodeRole } from './delegated.ts';
import { factsOf } from './facts.ts';
import { encodeJson } from './framed.ts';
import { RECENT_S } from './limits.ts';
import { pageKind } from './page-codec.ts';
import { factsPath, projectPath, rootPath, trustPath } from './paths.ts';
import { decodePins, pinsKind } from './pin-codec.ts';
import { encodePointer } from './published.ts';
import { FLOOR, floorOf } from './timestamp-floor.ts';

// What an index remembered in the files of layout 1, as the items of today.

/** A piece of it as it was found; whoever read it has judged its digest and its seal. */
export interface FormerPiece {
  readonly path: string;
  readonly verdict: 'holds' | 'older' | 'whole' | 'lost';
  readonly why: string;
  readonly content:
    | { readonly kind: 'facts' | 'floor' | 'pointer' | 'pins'; readonly state: unknown }
    | { readonly kind: 'page'; readonly header: unknown; readonly body: Uint8Array }
    | undefined;
}

/** What lies in an index's directory of layout 1. */
export interface FormerState {
  items(): AsyncIterable<FormerPiece>;
  roots(): AsyncIterable<{ readonly version: number; readonly bytes: Uint8Array }>;
  document(sha256: string): Promise<Uint8Array | undefined>;
  /** Each role's versions in the order they were kept. */
  roles(): AsyncIterable<
    readonly { readonly hash: string; readonly version: number; readonly bytes: Uint8Array; readonly keptAt: number }[]
  >;
}

/** An item of a state that begins. */
export interface CarriedItem {
  readonly item: ItemPath;
  readonly version: number;
  readonly value: Uint8Array;
}

/** An operator's word that what does not hold is lost; `adopt` also believes what is whole, whoever sealed it or did not. */
export interface LossAccepted {
  readonly adopt: boolean;
}

/** What became of it, once all items were read. */
export interface CarriedOver {
  kept: number;
  adopted: number;
  readonly setAside: string[];
}

/** Problems that a refusal names. */
const NAMED = 5;

/**
 * Throws Refusal `state` after the last item where something did not hold and nobody accepted its loss: then nothing of it may
 * be used.
 */
export async function* carryOver(
  index: string,
  former: FormerState,
  outcome: CarriedOver,
  accepted: LossAccepted | undefined,
): AsyncIterable<CarriedItem> {
  const problems: string[] = [];
  const first = (item: ItemPath, value: Uint8Array): CarriedItem => ({ item, version: 1, value });
  for await (const piece of former.items()) {
    const carried = believed(piece, accepted) ? await itemsOf(index, piece, former) : undefined;
    if (carried === undefined) {
      problems.push(`${piece.path} ${piece.verdict === 'holds' ? 'is damaged' : piece.why}`);
      if (piece.verdict !== 'lost' || piece.why !== 'is missing') outcome.setAside.push(piece.path);
      continue;
    }
    if (piece.verdict === 'whole') outcome.adopted++;
    else outcome.kept++;
    yield* carried;
  }
  if (problems.length > 0 && accepted === undefined) throw refused(index, problems);
  for await (const { version, bytes } of former.roots()) yield first(rootPath(index, version), bytes);
  for await (const versions of former.roles()) yield* roleItems(index, versions);
}

function believed({ verdict }: FormerPiece, accepted: LossAccepted | undefined): boolean {
  if (verdict === 'holds') return true;
  if (accepted === undefined) return false;
  return verdict === 'older' || accepted.adopt;
}

/** Undefined for what is not what the program of layout 1 wrote. */
async function itemsOf(
  index: string,
  { content }: FormerPiece,
  former: FormerState,
): Promise<readonly CarriedItem[] | undefined> {
  const one = (item: ItemPath, value: Uint8Array | undefined) => value && [{ item, version: 1, value }];
  switch (content?.kind) {
    case undefined:
      return undefined;
    case 'facts': {
      const facts = factsOf(content.state);
      return one(factsPath(index), facts && encodeJson(facts));
    }
    case 'floor': {
      const floor = floorOf(content.state);
      return one(trustPath(index, 'timestamp'), floor && (await FLOOR.encode(floor)));
    }
    case 'pins': {
      const decoded = await decodePins(content.state);
      if (decoded === undefined) return undefined;
      const { project, pins } = decoded;
      return one(projectPath(index, 'pins', project), await pinsKind(project).encode(pins));
    }
    case 'page': {
      const page = pageOf(content.header, content.body);
      if (page === undefined) return undefined;
      const { project, state } = page;
      return one(projectPath(index, 'pages', project), await pageKind(project).encode(state));
    }
    case 'pointer':
      return trustItems(index, content.state, former);
  }
}

const FormerHeader = z.object({
  project: z.string(),
  gone: z.literal(true).optional(),
  url: z.string().optional(),
  contentType: z.string(),
  etag: z.string().optional(),
  serial: z.int().nonnegative().optional(),
  seenSerial: z.int().nonnegative().optional(),
  fetchedAt: z.int(),
  confirmedAt: z.int(),
  maxAge: z.number().optional(),
  twice: z.boolean(),
  fetch: z.string(),
  accepted: z
    .array(z.object({ kind: z.string(), file: z.string().optional(), after: z.string().optional() }))
    .optional(),
});

function pageOf(
  given: unknown,
  bytes: Uint8Array,
): { readonly project: string; readonly state: PageState } | undefined {
  const header = FormerHeader.safeParse(given).data;
  if (header === undefined) return undefined;
  const { gone, project, accepted, etag, serial, seenSerial, ...rest } = header;
  if (gone === true) return { project, state: { gone: { serial } } };
  const losses = accepted?.map(({ kind, file, after }) => ({ kind, file, after }));
  return { project, state: { page: { ...rest, project, etag, serial, seenSerial, bytes, accepted: losses } } };
}

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Listed = z.strictObject({ version: z.int().positive(), sha256: Sha256 });
const FormerPointer = z.strictObject({
  rootVersion: z.int().positive(),
  acceptedAt: z.int(),
  timestamp: Sha256,
  snapshot: Listed,
  targets: Listed,
  recent: z.array(Listed.extend({ role: z.enum(['snapshot', 'targets']), until: z.int() })),
});

/** The pointer with the documents it names; undefined where one of the current ones is not there. */
async function trustItems(
  index: string,
  state: unknown,
  former: FormerState,
): Promise<readonly CarriedItem[] | undefined> {
  const pointer = FormerPointer.safeParse(state).data;
  const timestamp = pointer && (await former.document(pointer.timestamp));
  if (pointer === undefined || timestamp === undefined) return undefined;
  const items: CarriedItem[] = [];
  const numbers = { snapshot: 0, targets: 0 };
  const carried = async <T extends z.infer<typeof Listed>>(role: 'snapshot' | 'targets', document: T) => {
    const value = await former.document(document.sha256);
    if (value === undefined) return undefined;
    const number = ++numbers[role];
    items.push({ item: trustPath(index, role), version: number, value });
    return { ...document, number };
  };
  const recent: (z.infer<typeof FormerPointer>['recent'][number] & { readonly number: number })[] = [];
  for (const entry of pointer.recent.toReversed()) {
    const document = await carried(entry.role, entry);
    if (document !== undefined) recent.unshift(document);
  }
  const snapshot = await carried('snapshot', pointer.snapshot);
  const targets = await carried('targets', pointer.targets);
  if (snapshot === undefined || targets === undefined) return undefined;
  const { rootVersion, acceptedAt } = pointer;
  const value = encodePointer({
    rootVersion,
    acceptedAt,
    timestamp: Buffer.from(timestamp).toString('base64'),
    snapshot,
    targets,
    recent,
  });
  items.push({ item: trustPath(index, 'current'), version: 1, value });
  return items;
}

/** One item a role: its newest version says which of the others are which. */
function* roleItems(
  index: string,
  versions: readonly {
    readonly hash: string;
    readonly version: number;
    readonly bytes: Uint8Array;
    readonly keptAt: number;
  }[],
): Iterable<CarriedItem> {
  for (const [at, { hash, version, bytes, keptAt }] of versions.entries()) {
    const recent = versions
      .slice(0, at)
      .map((each, place) => ({
        version: each.version,
        number: place + 1,
        sha256: sha256Hex(each.bytes),
        replacedAt: versions[place + 1]?.keptAt ?? keptAt,
      }))
      .filter((each) => keptAt - each.replacedAt < RECENT_S)
      .reverse();
    yield {
      item: trustPath(index, 'delegated', hash),
      version: at + 1,
      value: encodeRole({ version, bytes, recent }),
    };
  }
}

function refused(index: string, problems: readonly string[]): Refusal {
  const named = problems.slice(0, NAMED).join('; ');
  const more = problems.length > NAMED ? `; and ${problems.length - NAMED} more` : '';
  return new Refusal(
    'state',
    `What an earlier Verbatim wrote for index ${index} is to be carried over, and not all of it is believed: ${named}${more}. Nothing was changed. Restore it from a backup; what cannot be restored is given up by: verbatim accept-state-loss ${index} --reason "..." (with --adopt to believe what is whole, where the seal key is new or gone)`,
    { subject: 'state' },
  );
}
