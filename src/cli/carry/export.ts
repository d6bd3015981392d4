import { feedToCarry } from '../../app/advisories/carried.ts';
import { type Composition, compose } from '../../app/compose.ts';
import { tellToRetain } from '../../app/control/on-servers.ts';
import { indexOf } from '../../app/data-directory.ts';
import { readGiven } from '../../app/given-file.ts';
import { noEvents } from '../../app/no-events.ts';
import { pinnedIn } from '../../app/operator/publishers.ts';
import { readRoot } from '../../app/pinned-root.ts';
import { internalCaller } from '../../async/caller.ts';
import { exportAgain } from '../../bundle/export/again.ts';
import { type Exported, type ExportRequest, exportBundle, type Progress } from '../../bundle/export/export.ts';
import { heldItems, NotCarried } from '../../bundle/export/held.ts';
import { newestConfirmed } from '../../bundle/export/newest-confirmed.ts';
import { readReceipt } from '../../bundle/export/receipt.ts';
import { readSelection, selects } from '../../bundle/export/selection.ts';
import type { SigningKey } from '../../bundle/format/keys.ts';
import { LIMITS } from '../../bundle/format/limits.ts';
import type { AnnouncedKey, Header } from '../../bundle/format/model.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import { existing } from '../../bytes/existing.ts';
import { type Instant, instantText } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config, IndexConfig } from '../../config/config.ts';
import { BundleOutput } from '../../disk/bundles/bundle-output.ts';
import { ExportHistory } from '../../disk/bundles/export-history.ts';
import { nodeFileOps } from '../../disk/file-ops.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import type { IndexState } from '../../ports/index-state.ts';
import { createListStore } from '../../state/list.ts';
import { say } from '../output.ts';
import { exportProgress } from './bundle-progress.ts';
import { printExported } from './export-text.ts';
import { ProgressShown } from './progress.ts';
import { opsForBundle, opsForHistory, refuseNoRoomAt } from './room.ts';
import { publicKeyIn, signingKeys } from './signing-keys.ts';

/** Of a receipt: 4,000,000 lines. */
const RECEIPT_BYTES = 65 * LIMITS.entries + 1024;

export interface ExportFlags {
  readonly index?: string;
  readonly project?: readonly string[];
  readonly since?: number | 'last';
  readonly again?: number;
  readonly receipt?: string;
  readonly pieceSize?: number;
  readonly key?: readonly string[];
  readonly serveFor?: number;
  readonly announceKey?: string;
  readonly announceFrom?: Instant;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `verbatim export DIR|FILE.tar`: what is held of an index, as a bundle. Upstream is not asked, and a server that runs is not disturbed. */
export async function exportTo(config: Config, place: string, flags: ExportFlags): Promise<void> {
  refuseMixed(flags);
  const { index: name, json = false } = flags;
  if (name !== undefined) indexOf(config, name);
  const keys = await signingKeys(flags.key ?? []);
  const composition = await compose({ config, emit: noEvents, reading: true });
  const shown = new ProgressShown(json);
  try {
    const index = chosen(composition, name);
    const { root } = composition.volume;
    await refuseAnothers(root);
    const history = new ExportHistory(opsForHistory(root), root, index.name);
    const notCarried = new NotCarried();
    const onProgress = exportProgress(shown);
    const onSized = (bytes: number) => refuseNoRoomAt(place, bytes);
    const spare = async () => sayUnspared(await tellToRetain(config));
    const exported =
      flags.again === undefined
        ? await exportNext({
            composition,
            index,
            history,
            notCarried,
            place,
            flags,
            keys,
            config,
            onProgress,
            onSized,
            spare,
          })
        : await exportAgain(
            {
              number: flags.again,
              history,
              storage: composition.operator.storage,
              onProgress,
              onCollected: spare,
              onSized,
            },
            await BundleOutput.begin(opsForBundle(place), place, directoryName(index.name, flags.again)),
          );
    shown.end();
    printExported(exported, notCarried, json);
  } finally {
    shown.end();
    await composition.close();
    if (flags.dryRun !== true) await tellToRetain(config);
  }
}

interface NextExport {
  readonly composition: Composition;
  readonly config: Config;
  readonly index: PackageIndex;
  readonly history: ExportHistory;
  readonly notCarried: NotCarried;
  readonly place: string;
  readonly flags: ExportFlags;
  readonly keys: readonly SigningKey[];
  readonly onProgress: (progress: Progress) => void;
  readonly onSized: (bytes: number) => Promise<void>;
  readonly spare: () => Promise<void>;
}

async function exportNext(next: NextExport): Promise<Exported> {
  const { composition, config, index, history, notCarried, place, flags, keys, onProgress, onSized, spare } = next;
  const state = await composition.operator.state(index.name);
  const selection = flags.project && readSelection(flags.project);
  const newest = newestConfirmed();
  const items = heldItems({
    index,
    state,
    lists: createListStore(state),
    storage: composition.operator.storage,
    relayed: composition.relayed(index.name),
    selects: selection && selects(selection),
    async feed() {
      const feed = await feedToCarry({ ...composition, config }, indexOf(config, index.name));
      notCarried.advisories = feed === 'none';
      return feed === 'none' ? undefined : feed;
    },
    async publishers() {
      const given = indexOf(config, index.name);
      const isCarried =
        given.evidence === 'index' && given.provenance !== undefined && given.provenance.export !== false;
      return isCarried ? pinnedIn(state, undefined) : [];
    },
    caller: internalCaller(index.name, 'export'),
    notCarried,
  });
  const request: ExportRequest = {
    index: await identity(indexOf(config, index.name), index),
    items: newest.of(items),
    notCarried,
    storage: composition.operator.storage,
    history,
    keys,
    stateAt: () => stateAt(index, state, { newest: newest.at, given: config.referenceTime }),
    selection,
    maxAgeDays: flags.serveFor,
    announced: announced(flags),
    since: await sinceWhich(history, flags.since),
    received:
      flags.receipt === undefined
        ? undefined
        : readReceipt(index.name, readGiven(flags.receipt, 'a receipt', RECEIPT_BYTES)),
    pieceSize: flags.pieceSize,
    onProgress,
    onCollected: flags.dryRun ? undefined : spare,
    onSized,
  };
  const number = ((await history.numbers()).at(-1) ?? 0) + 1;
  const output = flags.dryRun
    ? undefined
    : await BundleOutput.begin(opsForBundle(place), place, directoryName(index.name, number));
  return exportBundle(request, output);
}

/**
 * When upstream last stood by what is held: of a signed index its last accepted refresh, else the newest page. Under a reference time, which moves no
 * clock, and where upstream never said what time it is there, that is what the operator gives. Throws Refusal where nobody says.
 */
async function stateAt(
  index: PackageIndex,
  state: IndexState,
  { newest, given }: { readonly newest: Instant | undefined; readonly given: Instant | undefined },
): Promise<Instant> {
  const at = index.evidence === 'tuf' ? (await state.trust.clockFloor())?.at : newest;
  if (at === undefined)
    throw new Refusal('unlisted', `Nothing is held of the index ${index.name}: there is nothing to carry.`, {
      subject: 'request',
    });
  const said = at === 0 ? given : at;
  if (said !== undefined) return said;
  throw new Refusal(
    'clock',
    `The upstream of ${index.name} never said what time it is there, so that nobody can say as of when this is: give --reference-time.`,
    { subject: 'request' },
  );
}

async function identity(config: IndexConfig, index: PackageIndex): Promise<Header['index']> {
  const { name, evidence } = index;
  const { upstream } = await index.status();
  if (config.evidence !== 'tuf') return { name, evidence, upstream };
  return { name, evidence, rootSha256: sha256Hex(readRoot(config.root)), upstream };
}

async function sinceWhich(history: ExportHistory, since: ExportFlags['since']): Promise<number | undefined> {
  if (since !== 'last') return since;
  const last = (await history.numbers()).at(-1);
  if (last !== undefined) return last;
  throw new Refusal('unlisted', 'No bundle was made yet: the first one is complete (without --since).', {
    subject: 'request',
  });
}

export function chosen({ indexes }: Composition, name: string | undefined): PackageIndex {
  const [first, second] = indexes;
  if (name === undefined && second !== undefined)
    throw new Refusal(
      'format',
      `Say which index: --index with one of ${indexes.map((index) => index.name).join(', ')}.`,
      { subject: 'request' },
    );
  return existing(name === undefined ? first : indexes.find((each) => each.name === name), 'no index was composed');
}

function refuseMixed({
  again,
  since,
  project,
  receipt,
  pieceSize,
  key,
  serveFor,
  announceKey,
  announceFrom,
  dryRun,
}: ExportFlags): void {
  const others = [since, project, receipt, pieceSize, key, serveFor, announceKey, dryRun];
  if (again !== undefined && others.some((other) => other !== undefined))
    throw new Refusal('format', '--again makes a bundle as it was: it goes with no other choice.', {
      subject: 'request',
    });
  if (announceFrom !== undefined && announceKey === undefined)
    throw new Refusal('format', '--announce-from goes with --announce-key.', { subject: 'request' });
}

/** What root wrote into another's data directory, its owner could not write over. */
async function refuseAnothers(root: string): Promise<void> {
  const uid = process.getuid?.();
  const facts = await nodeFileOps.facts(root);
  if (uid !== undefined && facts !== undefined && facts.uid !== uid)
    throw new Refusal('state', `The data directory ${root} belongs to user ${facts.uid}: export as that user.`, {
      subject: 'state',
    });
}

function announced({ announceKey: path, announceFrom }: ExportFlags): AnnouncedKey[] {
  if (path === undefined) return [];
  const raw = publicKeyIn(path);
  const name =
    path
      .split('/')
      .at(-1)
      ?.replace(/\.pub$/, '') ?? path;
  return [{ public: raw, name, ...(announceFrom === undefined ? {} : { from: instantText(announceFrom) }) }];
}

function directoryName(index: string, number: number): string {
  return `${index}-${String(number).padStart(6, '0')}`;
}

/** Servers that may evict what is about to be read. */
function sayUnspared(untold: readonly string[]): void {
  for (const why of untold)
    say(
      `A server on this data directory was not told of the export, and may let files go before they are read: ${why}`,
    );
}
