import { createClock } from '../app/clock.ts';
import { readRoot } from '../app/pinned-root.ts';
import { internalCaller } from '../async/caller.ts';
import type { Expected } from '../bytes/expected.ts';
import type { Instant } from '../bytes/instant.ts';
import { prove } from '../bytes/proven.ts';
import { createProver } from '../bytes/prover.ts';
import { Refusal } from '../bytes/refusal.ts';
import { type ClientDirectory, openClientDirectory } from '../disk/client-directory.ts';
import { writeAll } from '../disk/durable.ts';
import { targetUrls } from '../presets/targets.ts';
import { findTarget } from '../tuf/delegation.ts';
import type { MetadataSource } from '../tuf/refresh.ts';
import type { Generation } from '../tuf/stages.ts';
import { createUpstream, type HttpUpstream } from '../upstream/client.ts';
import { createMetadataSource } from '../upstream/metadata-source.ts';
import { VERSION } from '../version.ts';
import { TrustedDirectory } from './trusted-directory.ts';

// A TUF client over the same core, for scripts and test suites (TUF §5, step by step; nothing is fetched ahead).

export interface ClientOptions {
  readonly metadataDir: string;
  readonly metadataUrl?: string | undefined;
  readonly targetBaseUrl?: string | undefined;
  readonly targetDir?: string | undefined;
  readonly targetName: readonly string[];
  /** Judge expiry as of this time instead of the clock. */
  readonly referenceTime?: Instant | undefined;
}

export async function clientInit(options: ClientOptions, rootFile: string): Promise<void> {
  await TrustedDirectory.init(options.metadataDir, readRoot(rootFile));
}

export async function clientRefresh(options: ClientOptions): Promise<void> {
  const trust = await TrustedDirectory.open(options.metadataDir);
  await withSource(options, ({ source }) => trust.refresh(source, nowOf(options)));
}

/** All targets of one call share one refresh; one already there with the right bytes is not fetched again. */
export async function clientDownload(options: ClientOptions): Promise<void> {
  const trust = await TrustedDirectory.open(options.metadataDir);
  const directory = need(options.targetDir, '--target-dir');
  if (options.targetName.length === 0) need(undefined, '--target-name');
  await withSource(options, async ({ source, upstream, urls }) => {
    const generation = await trust.refresh(source, nowOf(options));
    for (const name of options.targetName) {
      const target = await lookUp(trust, generation, source, name);
      const held = await openClientDirectory(directory);
      if (!(await isThere(held, name, target)))
        await download(held, name, target, upstream, urls(name, target, generation));
    }
  });
}

interface Remote {
  readonly source: MetadataSource;
  readonly upstream: HttpUpstream;
  readonly urls: (name: string, target: Expected, generation: Generation) => readonly string[];
}

async function withSource<T>(options: ClientOptions, run: (remote: Remote) => Promise<T>): Promise<T> {
  const metadata = folder(need(options.metadataUrl, '--metadata-url'));
  const files =
    options.targetBaseUrl === undefined ? new URL('../targets/', metadata).href : folder(options.targetBaseUrl);
  const layout = { name: 'client', metadata, files: { base: files, prefix: true } };
  const upstream = createUpstream({
    bases: [metadata, files],
    insecureUpstream: true,
    version: VERSION,
    retries: 0,
    absent: { statuses: [], redirectElsewhere: false, bareForbidden: true },
  });
  try {
    return await run({
      source: createMetadataSource(upstream, layout)(CALLER),
      upstream,
      // TUF §5.7.3: one name is asked for, by the first digest listed.
      urls: (name, { digests }, { root }) =>
        targetUrls(layout, name, digests, root.signed.consistentSnapshot).slice(0, 1),
    });
  } finally {
    upstream.close();
  }
}

async function lookUp(
  trust: TrustedDirectory,
  generation: Generation,
  source: MetadataSource,
  name: string,
): Promise<Expected> {
  const { target } = await findTarget(generation, name, (by) => trust.role(generation, by, source));
  if (target === undefined)
    throw new Refusal('unlisted', `The signed metadata lists no target ${name}.`, { subject: 'target' });
  if (target.digests.size === 0)
    throw new Refusal('algorithm', `${name} has no digest of a known algorithm.`, { subject: 'target' });
  return target;
}

async function isThere(held: ClientDirectory, name: string, target: Expected): Promise<boolean> {
  try {
    const bytes = await held.read(name, lengthOf(target));
    if (bytes === undefined) return false;
    prove(bytes, target);
    return true;
  } catch {
    return false;
  }
}

/** Under the final name only once every byte was proved. */
async function download(
  held: ClientDirectory,
  name: string,
  target: Expected,
  upstream: HttpUpstream,
  urls: readonly string[],
): Promise<void> {
  const prover = await createProver(target);
  const temp = await held.durable.temp(TARGET_MODE);
  try {
    const open = upstream.download({ urls, expected: target });
    const attempt = { offset: 0, limit: lengthOf(target), attempt: 1, caller: CALLER };
    for await (const chunk of (await open(attempt)).bytes) {
      await writeAll(temp.file, chunk, prover.length);
      prover.update(chunk);
    }
    prover.finish();
  } catch (error) {
    prover.abandon();
    await temp.discard();
    throw error;
  }
  await temp.commit(held.pathOf(name));
}

const CALLER = internalCaller('client');

/** TUF §4.5: a target states its length. */
function lengthOf({ length = 0 }: Expected): number {
  return length;
}

const TARGET_MODE = 0o644;

function nowOf({ referenceTime }: ClientOptions): Instant {
  return createClock(referenceTime).judged();
}

function need(value: string | undefined, option: string): string {
  if (value === undefined) throw new Refusal('policy', `This command needs ${option}.`, { subject: 'request' });
  return value;
}

function folder(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}
