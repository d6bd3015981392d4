import { spawn } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Updater } from 'tuf-js';
import { DefaultFetcher } from 'tuf-js/dist/fetcher.js';
import { clientEnvironment } from '../support/python.ts';

export interface Asked {
  /** A path: the root this client starts from. */
  readonly root: string;
  /** End with a slash. */
  readonly metadataUrl: string;
  readonly targetsUrl: string;
  /** The client's own; kept between calls. */
  readonly directory: string;
  readonly targets: readonly string[];
  /** Whether hashes prefix target names under consistent snapshots; default true. */
  readonly prefix?: boolean;
  /** As of when it judges. Seconds; python-tuf alone. */
  readonly referenceTime?: number;
}

export interface Fetched {
  readonly url: string;
  readonly status: number;
  readonly body: Uint8Array;
}

/** Everything a client asked for, keeps and downloaded. */
export interface Outcome {
  readonly fetched: readonly Fetched[];
  /** By file name in its metadata directory. */
  readonly cache: ReadonlyMap<string, Uint8Array>;
  /** By target path; undefined where the client says that nobody lists it. */
  readonly targets: ReadonlyMap<string, Uint8Array | undefined>;
}

export type TufClient = (asked: Asked) => Promise<Outcome>;

const SCRIPT = fileURLToPath(new URL('python-tuf.py', import.meta.url));

/** The reference client, from the environment with that `bin`. */
export function pythonTufClient(bin: string): TufClient {
  const [command, ...args] = pythonTufCommand(bin);
  return childClient(command, args);
}

/** The same as a command. */
export function pythonTufCommand(bin: string): readonly [string, string] {
  return [join(bin, 'python'), SCRIPT];
}

interface Said {
  readonly fetched: readonly { readonly url: string; readonly status: number; readonly body: string }[];
  readonly cache: Readonly<Record<string, string>>;
  readonly targets: Readonly<Record<string, string | null>>;
}

/** A client that is a program: JSON in, JSON out, bytes in base64. */
export function childClient(command: string, args: readonly string[] = []): TufClient {
  return async (asked) => {
    const child = spawn(command, args, { env: clientEnvironment(), stdio: 'pipe' });
    child.stdin.end(askedText(asked));
    const [said, error] = await Promise.all([text(child.stdout), text(child.stderr)]);
    if (said === '') throw new Error(`${command}: ${error}`);
    return outcomeOf(said);
  };
}

/** What such a program reads. */
export function askedText(asked: Asked): string {
  const { root, metadataUrl, targetsUrl, directory, targets, prefix = true, referenceTime } = asked;
  const addresses = { metadata_url: metadataUrl, targets_url: targetsUrl };
  return JSON.stringify({ root, ...addresses, directory, targets, prefix, reference_time: referenceTime });
}

/** What it wrote. */
export function outcomeOf(said: string): Outcome {
  const result = JSON.parse(said) as Said;
  return {
    fetched: result.fetched.map(({ url, status, body }) => ({ url, status, body: Buffer.from(body, 'base64') })),
    cache: new Map(Object.entries(result.cache).map(([name, body]) => [name, Buffer.from(body, 'base64')])),
    targets: new Map(
      Object.entries(result.targets).map(([path, body]) => [
        path,
        body === null ? undefined : Buffer.from(body, 'base64'),
      ]),
    ),
  };
}

class Recorder extends DefaultFetcher {
  readonly fetched: Fetched[] = [];

  override async fetch(url: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    try {
      const body = await new Response(await super.fetch(url)).bytes();
      this.fetched.push({ url, status: 200, body });
      return new Blob([body]).stream();
    } catch (error) {
      const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 0;
      this.fetched.push({ url, status, body: new Uint8Array() });
      throw error;
    }
  }
}

/** The client of npm's own Sigstore support. */
export const tufJsClient: TufClient = async ({ root, metadataUrl, targetsUrl, directory, targets, prefix = true }) => {
  const metadataDir = join(directory, 'metadata');
  const targetDir = join(directory, 'targets');
  await mkdir(targetDir, { recursive: true });
  await mkdir(metadataDir, { recursive: true });
  const held = await readdir(metadataDir);
  if (!held.includes('root.json')) await copyFile(root, join(metadataDir, 'root.json'));
  const fetcher = new Recorder();
  const updater = new Updater({
    metadataDir,
    metadataBaseUrl: metadataUrl.replace(/\/$/, ''),
    targetDir,
    targetBaseUrl: targetsUrl.replace(/\/$/, ''),
    fetcher,
    config: { prefixTargetsWithHash: prefix },
  });
  await updater.refresh();
  const found = new Map<string, Uint8Array | undefined>();
  for (const path of targets) {
    const info = await updater.getTargetInfo(path);
    found.set(path, info === undefined ? undefined : await readFile(await updater.downloadTarget(info)));
  }
  const cache = new Map<string, Uint8Array>();
  for (const name of await readdir(metadataDir)) cache.set(name, await readFile(join(metadataDir, name)));
  return { fetched: fetcher.fetched, cache, targets: found };
};
