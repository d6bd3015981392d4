import { closeSync, constants, openSync } from 'node:fs';
import { chmod, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Refusal } from '../bytes/refusal.ts';
import { codeOf, nodeFileOps } from './file-ops.ts';
import { newOwnerName } from './owner.ts';
import { isMissing } from './storage-errors.ts';
import type { Volume } from './volume.ts';

// Where the processes that serve a data directory are spoken to: a folder with a Unix socket for each. Folder and sockets are
// their owner's alone, so that nobody else but the superuser comes in.

const FOLDER = 'control';
const FOR_OTHERS = 0o077;
const OWNER_ONLY = 0o600;
/** Sockets that are looked at: of processes that were killed some may be left. */
const MOST = 256;
/** The address of a Unix socket has 104 bytes or a few more (sun_path), whatever a path may have. */
const ADDRESS_BYTES = 100;
const DESCRIPTORS = '/proc/self/fd';

/** An address to listen at or to connect to. It is good until it is released. */
export interface SocketAddress {
  readonly address: string;
  release(): void;
}

/** A place for one socket, at which nobody looks before it is published. */
export interface PlacedSocket extends SocketAddress {
  /** From now on whoever looks finds it; what listens there is to answer already. */
  publish(): Promise<void>;
  remove(): Promise<void>;
}

/** Throws Refusal `state` where the folder may be opened by others, and errors of the system. */
export async function placeSocket({ durable, ops, root }: Volume): Promise<PlacedSocket> {
  const folder = join(root, FOLDER);
  await durable.directory(folder);
  const facts = await ops.facts(folder);
  const uid = process.getuid?.() ?? facts?.uid;
  if (facts?.kind !== 'directory' || facts.uid !== uid || (facts.mode & FOR_OTHERS) !== 0)
    throw new Refusal('state', `${folder} is not a directory that its owner alone may open. Run: chmod 700 ${folder}`, {
      subject: 'state',
    });
  const directory = await durable.tempDirectory();
  const path = join(directory, 'socket');
  const published = join(folder, newOwnerName());
  return {
    ...addressOf(directory, 'socket'),
    async publish() {
      await chmod(path, OWNER_ONLY);
      await ops.rename(path, published);
    },
    async remove() {
      for (const each of [published, path])
        await ops.unlink(each).catch((error: unknown) => {
          if (!isMissing(error)) throw error;
        });
      await ops.removeTree(directory);
    },
  };
}

/** Sockets of a data directory, by name, those of processes that were killed among them; none where there is no directory. */
export async function socketsOf(
  directory: string,
): Promise<readonly { readonly name: string; readonly folder: string }[]> {
  try {
    const folder = join(await realpath(resolve(directory)), FOLDER);
    const names = await nodeFileOps.list(folder);
    return [...names]
      .sort()
      .slice(0, MOST)
      .map((name) => ({ name, folder }));
  } catch (error) {
    if (isMissing(error) || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/** Nobody listens there any more. */
export async function removeSocket(folder: string, name: string): Promise<void> {
  await nodeFileOps.unlink(join(folder, name)).catch(() => undefined);
}

/** Throws errors of the system. Where a path is too long for an address, it begins at an open descriptor of the folder. */
export function addressOf(folder: string, name: string): SocketAddress {
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= ADDRESS_BYTES || process.platform !== 'linux')
    return { address: path, release: () => undefined };
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  return { address: join(DESCRIPTORS, String(descriptor), name), release: () => closeSync(descriptor) };
}
