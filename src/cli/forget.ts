import { createClock } from '../app/clock.ts';
import { type DataDirectory, indexOf, withDataDirectory } from '../app/data-directory.ts';
import type { Digests } from '../bytes/digest.ts';
import { shownField } from '../bytes/printable.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Config } from '../config/config.ts';
import type { BlobStorage } from '../ports/blob-storage.ts';
import type { Pin } from '../ports/index-state.ts';
import { normalizeName } from '../pypi/names.ts';
import { audited } from './audited.ts';
import { print, printJson } from './output.ts';

interface ForgetOptions {
  readonly index: string;
  /** As it was written on the command line. */
  readonly name: string;
  /** One of its files; all where it is not given. */
  readonly file: string | undefined;
  readonly reason: string;
  readonly dryRun: boolean;
  readonly json: boolean;
}

interface HeldFile {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * `verbatim forget INDEX NAME [FILE]`: drops the bytes that are held of a project's files and of their core metadata. Pins and pages stay: what
 * comes in their place is held to them.
 */
export async function forget(config: Config, options: ForgetOptions): Promise<void> {
  const { name: index } = indexOf(config, options.index);
  const { file, dryRun, json, reason } = options;
  const project = normalizeName(options.name);
  if (project === undefined)
    throw new Refusal('format', `"${options.name}" is no project's name.`, { subject: 'request' });
  await withDataDirectory(config, async (directory) => {
    const { state } = await directory.open(index);
    const pins = (await state.pins(project).read())?.value ?? new Map<string, Pin>();
    if (file !== undefined && !pins.has(file))
      throw new Refusal('unlisted', `No file ${file} of ${project} was ever seen here.`, { subject: 'request' });
    const named = file === undefined ? pins : new Map([...pins].filter(([name]) => name === file));
    const held = await withBlobs(config, directory, async (storage) => {
      const found = await heldOf(storage, named);
      if (dryRun || found.length === 0) return found;
      const words = ['forget', project, file].filter((word) => word !== undefined).join(' ');
      await audited(state, createClock(undefined).now(), words, reason);
      for (const { sha256 } of found) await storage.remove(sha256);
      return found;
    });
    if (json) printJson({ index, project, dryRun, forgotten: held });
    else tell(held, dryRun);
  });
}

async function withBlobs<T>(
  { cache }: Config,
  directory: DataDirectory,
  run: (storage: BlobStorage) => Promise<T>,
): Promise<T> {
  const storage = directory.blobs(cache.maxBytes, {});
  try {
    return await run(storage);
  } finally {
    await storage.close();
  }
}

async function heldOf(storage: BlobStorage, pins: ReadonlyMap<string, Pin>): Promise<readonly HeldFile[]> {
  const held: HeldFile[] = [];
  for (const [name, { digests, coreMetadata }] of pins)
    for (const [file, stated] of [
      [name, digests],
      [`${name}.metadata`, coreMetadata],
    ] as const) {
      const sha256 = await sha256Of(storage, stated);
      const facts = sha256 === undefined ? undefined : await storage.stat(sha256);
      if (sha256 !== undefined && facts !== undefined) held.push({ file, sha256, bytes: facts.size });
    }
  return held;
}

async function sha256Of(storage: BlobStorage, digests: Digests | undefined): Promise<string | undefined> {
  for (const [algorithm, hex] of digests ?? []) {
    const sha256 = algorithm === 'sha256' ? hex : await storage.alias(algorithm, hex);
    if (sha256 !== undefined) return sha256;
  }
  return undefined;
}

function tell(held: readonly HeldFile[], dryRun: boolean): void {
  for (const { file, bytes } of held) print(`${dryRun ? 'would drop' : 'dropped'} ${shownField(file)}: ${bytes} bytes`);
  if (held.length === 0) print('Nothing of it is held.');
  else if (!dryRun) print('It is in the audit trail. Pins stay: what is fetched again is held to them.');
}
