import { hostname } from 'node:os';
import { drain } from '../app/health/drain.ts';
import { keepHeapSmall } from '../app/heap.ts';
import { workersOf } from '../app/processes/divide.ts';
import { type RunningServers, startServers } from '../app/processes/supervisor.ts';
import type { MirrorOptions, RunningMirror } from '../app/running/mirror.ts';
import { startMirror } from '../app/start.ts';
import { isLoopback } from '../bytes/loopback.ts';
import type { AddressConfig } from '../config/combined/schema.ts';
import type { Config, IndexConfig } from '../config/config.ts';
import type { EvidenceKind, PackageIndex } from '../mirror/package-index.ts';
import { conditionLines } from './condition-text.ts';
import { evidenceLines } from './evidence-text.ts';
import { print, printFolded } from './output.ts';

export interface ServeOptions {
  readonly json: boolean;
  readonly newTrust: ReadonlyMap<string, string> | undefined;
  readonly admin: MirrorOptions['admin'];
}

/** `verbatim serve`: runs until it is asked to stop, and says how to use it. */
export async function serve(config: Config, { json, newTrust, admin }: ServeOptions): Promise<void> {
  keepHeapSmall();
  let running: Running | undefined;
  const stopped = untilAsked(
    () => running?.reload(),
    () => running?.kill?.(),
  );
  const start: (options: MirrorOptions) => Promise<Running> = workersOf(config) > 1 ? startServers : startMirror;
  const mirror = await start({ config, newTrust, admin });
  running = mirror;
  if (json) print(readyJson(mirror, Object.values(config.addresses ?? {})));
  else printFolded(...readyLines(config, mirror));
  // Who presses Ctrl-C waits for nothing.
  if ((await stopped) === 'SIGTERM') await drain(mirror, config.server.drain ?? 0, mirror.log);
  await mirror.close();
}

/** One process, or several as one. */
type Running = RunningServers | (RunningMirror & { readonly kill?: undefined });

/** Resolves to the first signal that ends a server; the second one ends the process at once. */
function untilAsked(reload: () => void, kill: () => void): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (signal: NodeJS.Signals) => {
      if (asked) {
        kill();
        process.exit(1);
      }
      asked = true;
      resolve(signal);
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
    // Asked for now: of a terminal that has hung up it is not told any more that it was one.
    const isOurs = process.stdin.isTTY;
    process.on('SIGHUP', isOurs ? stop : reload);
  });
}

/** What a script reads to find its way; one line. */
export function readyJson(
  {
    url,
    indexes,
    defaultIndex,
    metricsUrl,
    conditions,
  }: Pick<RunningMirror, 'url' | 'defaultIndex' | 'metricsUrl' | 'conditions'> & {
    readonly indexes: readonly Pick<PackageIndex, 'name' | 'evidence'>[];
  },
  addresses: readonly AddressConfig[] = [],
): string {
  // An index that signs nothing has no metadata to relay.
  const at = (base: string, evidence: EvidenceKind | undefined) => ({
    simple: `${base}/simple/`,
    ...(evidence === 'tuf' && { metadata: `${base}/tuf/metadata/`, targets: `${base}/tuf/targets/` }),
  });
  return JSON.stringify({
    url,
    ...at(url, indexes.find(({ name }) => name === defaultIndex)?.evidence),
    metrics: metricsUrl,
    conditions: conditions.map(({ what, index, message }) => ({ what, index, message })),
    indexes: indexes.map(({ name, evidence }) => ({ name, evidence, ...at(`${url}/${name}`, evidence) })),
    addresses: addresses.map(({ name, of, owned }) => ({ name, of, owned, ...at(`${url}/${name}`, undefined) })),
  });
}

/** Every address of this machine is none to write down: clients know it by its name. */
function reachable(url: string): string {
  return url.replace(/^(https?:\/\/)(0\.0\.0\.0|\[::\])(?=[:/]|$)/, `$1${hostname()}`);
}

/** An index that arrives in bundles has no address that anybody could ask. */
function whatIsServed(index: IndexConfig): string {
  if (index.import !== undefined) return `Serving "${index.name}" as import carries it here; nobody is asked`;
  return `Mirroring ${index.upstream} as "${index.name}"`;
}

export function readyLines(
  config: Config,
  { url, metricsUrl, conditions }: Pick<RunningMirror, 'url' | 'metricsUrl' | 'conditions'>,
): readonly string[] {
  const { host, publicUrl, auth } = config.server;
  const base = publicUrl?.replace(/\/+$/, '') ?? reachable(url);
  const lines = [`Verbatim listens on ${url}`];
  if (isLoopback(host)) lines.push('  (this machine only; --host 0.0.0.0 lets others in)');
  for (const index of Object.values(config.indexes))
    lines.push(whatIsServed(index), ...evidenceLines(index).map((line) => `  ${line}`));
  for (const { name, of } of Object.values(config.addresses ?? {}))
    lines.push(
      `Serving "${name}" over ${of.join(', ')}: a project is the first one's that has it, and none behind it is asked`,
    );
  lines.push(...conditionLines(conditions));
  const insecure = !base.startsWith('https:') && !isLoopback(new URL(base).hostname);
  const at = new URL(base).host;
  const simple = `${auth === undefined ? base : base.replace('://', '://NAME:PASSWORD@')}/simple/`;
  lines.push(
    '',
    'Install through it:',
    `  pip install --index-url ${simple}${insecure ? ` --trusted-host ${at}` : ''} PACKAGE`,
    `  uv pip install --default-index ${simple}${insecure ? ` --allow-insecure-host ${at}` : ''} PACKAGE`,
    '',
    'Why is a package trusted? The same command with "explain PACKAGE" in place of "serve" says it.',
  );
  if (metricsUrl !== undefined) lines.push(`Metrics: ${metricsUrl}`);
  lines.push('Stop it with Ctrl-C.');
  return lines;
}
