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
import type { Download } from '../ports/upstream.ts';
import { targetUrls } from '../presets/targets.ts';
import { findTarget } from '../tuf/delegation.ts';
import type { MetadataSource } from '../tuf/refresh.ts';
import type { Generation } from '../tuf/stages.ts';
import { createUpstream, type HttpUpstream } from '../upstream/client.ts';
import { createMetadataSource } from '../upstream/metadata-source.ts';
import { VERSION } from '../version.ts';
import { baseAddress, clientReach, type ReachFlags } from './client-reach.ts';
import { TrustedDirectory } from './trusted-directory.ts';

// A TUF client over the same core, for scripts and test suites (TUF §5, step by step; nothing is fetched ahead).

export interface ClientOptions extends ReachFlags {
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
  await withTrust(options, (trust) =>
    withSource(options, async ({ source }) => void (await trust.refresh(source, nowOf(options)))),
  );
}

/** All targets of one call share one refresh; one already there with the right bytes is not fetched again. */
export async function clientDownload(options: ClientOptions): Promise<void> {
  await withTrust(options, async (trust) => {
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
  });
}

async function withTrust(options: ClientOptions, run: (trust: TrustedDirectory) => Promise<void>): Promise<void> {
  const trust = await TrustedDirectory.open(options.metadataDir);
  try {
    await run(trust);
  } finally {
    trust.close();
  }
}

interface Remote {
  readonly source: MetadataSource;
  readonly upstream: HttpUpstream;
  readonly urls: (name: string, target: Expected, generation: Generation) => readonly string[];
}

async function withSource(options: ClientOptions, run: (remote: Remote) => Promise<void>): Promise<void> {
  const metadata = baseAddress(need(options.metadataUrl, '--metadata-url'), '--metadata-url');
  const { targetBaseUrl } = options;
  const files =
    targetBaseUrl === undefined
      ? new URL('../targets/', metadata).href
      : baseAddress(targetBaseUrl, '--target-base-url');
  const bases = [metadata, files];
  const layout = { name: 'client', metadata, files: { base: files, prefix: true } };
  const upstream = createUpstream({
    ...(await clientReach(options, bases)),
    bases,
    version: VERSION,
    absent: { statuses: [], redirectElsewhere: false, bareForbidden: true },
  });
  try {
    await run({
      source: createMetadataSource(upstream, layout)(CALLER),
      upstream,
      // TUF §5.7.3: one name is asked for, by the first digest listed.
      urls: (name, { digests }, { root }) =>
        targetUrls(layout, name, new Map([...digests].slice(0, 1)), root.signed.consistentSnapshot),
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
  return target;
}

async function isThere(held: ClientDirectory, name: string, target: Expected): Promise<boolean> {
  try {
    const bytes = await held.read(name, lengthOf(target));
    if (bytes !== undefined) prove(bytes, target);
    return bytes !== undefined;
  } catch {
    return false;
  }
}

const ATTEMPTS = 3;
/** The body broke off or did not come: another connection may do better. */
const BROKEN: ReadonlySet<string> = new Set(['truncated', 'slow', 'unreachable']);

/** Under the final name only once every byte was proved; a cut connection is made up for by others. */
async function download(
  held: ClientDirectory,
  name: string,
  target: Expected,
  upstream: HttpUpstream,
  urls: readonly string[],
): Promise<void> {
  const open = upstream.download({ urls, expected: target });
  for (let attempt = 1; ; attempt++)
    try {
      return await receive(held, name, target, (limit) => open({ offset: 0, limit, attempt, caller: CALLER }));
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof Refusal) || !BROKEN.has(error.reason)) throw error;
      if (error.reason === 'unreachable' && !error.transient) throw error;
    }
}

async function receive(
  held: ClientDirectory,
  name: string,
  target: Expected,
  open: (limit: number) => Promise<Download>,
): Promise<void> {
  const prover = await createProver(target);
  const temp = await held.durable.temp(TARGET_MODE);
  try {
    for await (const chunk of (await open(lengthOf(target))).bytes) {
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
