import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { RunningMirror } from '../app/running/mirror.ts';
import { startMirror } from '../app/start.ts';
import { existing } from '../bytes/existing.ts';
import { Refusal } from '../bytes/refusal.ts';
import { loadConfig } from '../config/load.ts';
import type { PackageIndex } from '../mirror/package-index.ts';
import type { Authority } from '../repository/documents.ts';
import { SignedIndex } from '../repository/signed-index.ts';
import { ed25519Key } from '../repository/signing-keys.ts';
import { createLog } from '../telemetry/log.ts';
import { type IndexServer, serveIndex } from './serve-index.ts';
import type { Wheels } from './wheels.ts';

/** A signed index on loopback, and who holds which of its keys. */
export interface Upstream {
  readonly index: SignedIndex;
  readonly server: IndexServer;
  /** On the index's own machine; what the attacker of the last act has stolen. */
  readonly online: Authority;
  readonly developer: Authority;
  /** The root of trust, as a file for Verbatim and for TUF clients. */
  readonly rootPath: string;
}

/** A power of two of bins: PEP 458 plans 14 bits for PyPI, a handful of projects needs fewer. */
const BIN_BITS = 6;

/** Makes the keys, signs the first state of the index and puts it on the network. */
export async function buildUpstream({ cast, file }: Wheels, folder: string): Promise<Upstream> {
  const online = keysOf(1, 1);
  const developer = keysOf(1, 1);
  const index = new SignedIndex({
    keys: { root: keysOf(3, 2), targets: keysOf(1, 1), bins: keysOf(1, 1), online },
    now: () => Math.floor(Date.now() / 1000),
    binBits: BIN_BITS,
    claims: true,
    // Not BLAKE2b-256, which PEP 458 would use: tuf-js and go-tuf cannot check it.
    targetHashes: ['sha256', 'sha512'],
    targetNames: 'both',
  });
  for (const release of [cast.claimedOlder, cast.claimed, cast.seen, cast.unseen])
    index.upload(release.project, file(release));
  index.claim(cast.claimed.project, developer);
  index.publish();
  const rootPath = join(folder, 'root.json');
  await writeFile(rootPath, index.repository.files.get('metadata/1.root.json') ?? '');
  return { index, server: await serveIndex(index.repository.files), online, developer, rootPath };
}

function keysOf(count: number, threshold: number): Authority {
  return { keys: Array.from({ length: count }, () => ed25519Key()), threshold };
}

/** How many bins there are, for the telling. */
export const BINS = 2 ** BIN_BITS;

/** A running Verbatim before that index, the same that `verbatim serve` runs. */
export interface Downstream {
  readonly mirror: RunningMirror;
  readonly index: PackageIndex;
  /** What pip is pointed at. */
  readonly simple: string;
  /** Looks for new metadata now, as it would by itself within a minute; the refusal where it refused what it found. */
  readonly lookForNews: () => Promise<Refusal | undefined>;
  /** Defects of this program that came to light; never a refusal. */
  readonly faults: readonly string[];
}

export async function startDownstream({ server, rootPath }: Upstream, folder: string): Promise<Downstream> {
  const faults: string[] = [];
  const config = loadConfig({
    env: {},
    flags: { upstream: server.url, root: rootPath, layout: 'pep458', port: 0, data: join(folder, 'data') },
  });
  const log = createLog({ level: 'error', format: 'text', sink: { write: (line) => void faults.push(line.trim()) } });
  const mirror = await startMirror({ config, log });
  const index = existing(mirror.indexes[0], 'the mirror has no index');
  return {
    mirror,
    index,
    simple: `${mirror.url}/simple/`,
    faults,
    async lookForNews() {
      try {
        await index.signed?.refresh();
        return undefined;
      } catch (error) {
        if (error instanceof Refusal) return error;
        throw error;
      }
    },
  };
}

/** What an HTTP client saw: the status with its reason phrase, and the body. */
export interface Answer {
  readonly status: number;
  readonly line: string;
  readonly sha256: string;
  readonly reason: string | undefined;
}

/** One GET request. */
export async function ask(url: string): Promise<Answer> {
  const response = await fetch(url);
  const body = await response.bytes();
  return {
    status: response.status,
    line: `${response.status} ${response.statusText}`,
    sha256: createHash('sha256').update(body).digest('hex'),
    reason: response.ok ? undefined : reasonOf(Buffer.from(body).toString('utf8')),
  };
}

const MOST_TRIES = 10;
const BETWEEN_TRIES_MS = 1000;

/** As `ask`, but comes back where it is refused: Verbatim leaves a failed download alone for a few seconds. */
export async function askUntilServed(url: string): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    const answer = await ask(url);
    if (answer.reason === undefined || tries === MOST_TRIES) return answer;
    await setTimeout(BETWEEN_TRIES_MS);
  }
}

/** Verbatim's problem documents name the reason (RFC 9457). */
function reasonOf(body: string): string | undefined {
  return /"reason":\s*"([a-z-]+)"/.exec(body)?.[1];
}
