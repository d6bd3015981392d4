import { dirname, join, resolve } from 'node:path';
import { Refusal } from '../bytes/refusal.ts';
import { type Census, createCensus } from '../state/census.ts';
import { createEpochs, type Epochs } from '../state/epochs.ts';
import { indexDirectory } from '../state/index-directory.ts';
import { createSeal } from '../state/seal.ts';
import { checkFileSystem } from './database/file-system-kind.ts';
import { createDurable, type Durable } from './durable.ts';
import { codeOf, type FileOps, nodeFileOps } from './file-ops.ts';
import { FOREIGN_TEMP_MS } from './limits.ts';
import { newOwnerName, ownerState } from './owner.ts';
import { readSmall } from './read-file.ts';

/** The layout this program writes; a higher number in VERSION is a newer program's directory. */
export const LAYOUT = 1;

const WORLD_WRITABLE = 0o002;
const VERSION_BYTES = 64;

/** A data directory that may be used: ours, private, of a layout we know, and able to write durably. */
export interface Volume {
  readonly root: string;
  readonly durable: Durable;
  readonly ops: FileOps;
  /** What seals an index's state, where a seal key is configured. */
  census(index: string): Census | undefined;
  /** The epochs kept outside, where they are. */
  readonly epochs: Epochs | undefined;
  /** Removes this process's temporary directory. */
  close(): Promise<void>;
}

function refuse(message: string, cause?: unknown): Refusal {
  return new Refusal('state', message, { subject: 'state', cause });
}

async function checkRoot(ops: FileOps, root: string): Promise<void> {
  const facts = await ops.facts(root);
  if (facts === undefined) throw refuse(`The data directory ${root} does not exist and could not be made.`);
  if (facts.kind === 'symlink')
    throw refuse(
      `The data directory ${root} is a symbolic link. Name the directory itself, so that nobody can move it elsewhere.`,
    );
  if (facts.kind !== 'directory') throw refuse(`The data directory ${root} is not a directory.`);
  const uid = process.getuid?.();
  if (uid !== undefined && facts.uid !== uid)
    throw refuse(
      `The data directory ${root} belongs to another user (${facts.uid}). Run as that user, or give it to user ${uid}.`,
    );
  if ((facts.mode & WORLD_WRITABLE) !== 0)
    throw refuse(`Everybody may write to the data directory ${root}. Run: chmod o-w ${root}`);
}

/** Makes the data directory and its missing parents; each name is durable, or a power cut could take everything below it. */
async function makeRoot(ops: FileOps, root: string): Promise<void> {
  if ((await ops.facts(root)) !== undefined) return;
  const parent = dirname(root);
  if (parent !== root) await makeRoot(ops, parent);
  try {
    await ops.makeDirectory(root);
    await ops.syncDirectory(parent);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST')
      throw refuse(`The data directory ${root} could not be made (${codeOf(error) ?? 'unknown error'}).`, error);
  }
}

async function checkLayout(ops: FileOps, durable: Durable, root: string): Promise<void> {
  const path = join(root, 'VERSION');
  const bytes = await readSmall(ops, path, VERSION_BYTES).catch((error: unknown) => {
    throw refuse(
      `${path} cannot be read; it says which program wrote this directory. Restore it, or use an empty directory.`,
      error,
    );
  });
  if (bytes === undefined) return durable.replace(path, Buffer.from(`${LAYOUT}\n`));
  const text = bytes.toString('latin1').trim();
  if (!/^[1-9][0-9]{0,8}$/.test(text))
    throw refuse(`${path} does not hold a layout number. Restore it, or use an empty directory.`);
  if (Number(text) > LAYOUT)
    throw refuse(
      `The data directory ${root} was written by a newer Verbatim (layout ${text}, this one knows ${LAYOUT}). Run the newer version, or use another directory.`,
    );
}

async function newestChange(ops: FileOps, directory: string): Promise<number> {
  let newest = (await ops.facts(directory))?.changedMs ?? 0;
  for (const name of await ops.list(directory))
    newest = Math.max(newest, (await ops.facts(join(directory, name)))?.changedMs ?? 0);
  return newest;
}

/** Removes what processes that are gone left behind; a live sibling's files stay. */
async function removeStale(ops: FileOps, parent: string, nowMs: number): Promise<void> {
  for (const name of await ops.list(parent)) {
    const path = join(parent, name);
    const state = ownerState(name);
    if (state === 'alive') continue;
    try {
      if (
        state === 'unknown' &&
        (await ops.facts(path))?.kind === 'directory' &&
        nowMs - (await newestChange(ops, path)) < FOREIGN_TEMP_MS
      )
        continue;
      await ops.removeTree(path);
    } catch {
      // Not ours to insist: a sibling may be removing it too, and a leftover harms nothing but space.
    }
  }
}

/** Renames and links once for real, so that a filesystem that cannot is refused at start and not at the first publish. */
async function probe(durable: Durable, directory: string): Promise<void> {
  const path = join(directory, 'probe');
  await durable.replace(path, new Uint8Array());
  await durable.ops.unlink(path);
  await durable.claim(path, new Uint8Array());
  await durable.ops.unlink(path);
}

export interface VolumeOptions {
  readonly ops?: FileOps;
  readonly nowMs?: () => number;
  /** True where it may lie on a FUSE file system. */
  readonly allowFuse?: boolean | undefined;
  /** Secret bytes: state that nobody signed carries a seal under it. */
  readonly sealKey?: Uint8Array | undefined;
  /** A file outside the data directory that remembers how new the sealed state was. */
  readonly sealEpochFile?: string | undefined;
}

/** Opens or makes a data directory; throws Refusal `state` where its bytes could be anybody's. */
export async function openVolume(directory: string, options: VolumeOptions = {}): Promise<Volume> {
  const ops = options.ops ?? nodeFileOps;
  const root = resolve(directory);
  await makeRoot(ops, root);
  await checkRoot(ops, root);
  await checkFileSystem(ops, root, options.allowFuse ?? false);
  const temps = join(root, 'tmp');
  const own = join(temps, newOwnerName());
  const durable = createDurable({ ops, root, tempDirectory: own });
  try {
    await durable.directory(own);
    await checkLayout(ops, durable, root);
    await removeStale(ops, temps, (options.nowMs ?? Date.now)());
    await probe(durable, own);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw refuse(
      `The data directory ${root} cannot be written durably (${codeOf(error) ?? 'unknown error'}). It needs free space and a filesystem with rename, hard links and fsync of directories.`,
      error,
    );
  }
  return { root, durable, ops, ...sealing(root, durable, options), close: () => ops.removeTree(own) };
}

/** One census an index, shared by all that keep state for it. */
function sealing(
  root: string,
  durable: Durable,
  { sealKey, sealEpochFile }: VolumeOptions,
): Pick<Volume, 'census' | 'epochs'> {
  if (sealKey === undefined) return { census: () => undefined, epochs: undefined };
  const seal = createSeal(sealKey);
  const epochs = sealEpochFile === undefined ? undefined : createEpochs(durable.ops, resolve(sealEpochFile));
  const known = new Map<string, Census>();
  return {
    epochs,
    census(index) {
      const census =
        known.get(index) ?? createCensus({ durable, directory: indexDirectory({ root }, index), index, seal, epochs });
      known.set(index, census);
      return census;
    },
  };
}
