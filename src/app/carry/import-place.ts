import { internalCaller } from '../../async/caller.ts';
import { parsePublicKey } from '../../bundle/format/keys.ts';
import type { TrustedKey } from '../../bundle/format/seal.ts';
import type { Site } from '../../bundle/import/judge.ts';
import type { ImportPlace } from '../../bundle/import/place.ts';
import type { StagedContent } from '../../bundle/import/store.ts';
import { ALGORITHMS, type Digests } from '../../bytes/digest.ts';
import { existing } from '../../bytes/existing.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { ImportConfig, ImportKey } from '../../config/config.ts';
import { carriedUpstream } from '../../mirror/carried/upstream.ts';
import type { Carried } from '../../ports/carried.ts';
import { feedPlace } from '../advisories/carried.ts';
import type { Composition } from '../compose.ts';
import { freeBytes } from '../conditions/disk.ts';
import { readGiven } from '../given-file.ts';
import { createScanner } from './scanner.ts';

/** Room that is left on the disk for everything else. Bytes. */
const RESERVE = 64 * 1024 * 1024;

/** An index as a place to import into. Throws Refusal where none of that name arrives so, or it refuses. */
export async function importPlace(
  composition: Composition,
  name: string,
  onProgress?: ImportPlace['onProgress'],
): Promise<ImportPlace> {
  const { operator, indexes, states, blobs, imports, clock } = composition;
  const settings = operator.config.indexes[name];
  const carried = indexes.find((each) => each.name === name)?.carried;
  // Where one that arrives so refuses, it says here why.
  if (settings?.import !== undefined && carried === undefined) await operator.state(name);
  if (carried === undefined) throw notImported(name);
  const index = existing(settings, `${name} arrives by import and is not configured`);
  const how = existing(index.import, `${name} arrives by import and nothing says how`);
  const state = existing(states.get(name), `${name} arrives by import and has no state`);
  const time = existing(imports.get(name), `${name} arrives by import and has no time`);
  const upstream = carriedUpstream(() => undefined, blobs);
  return {
    site: { index: name, evidence: index.evidence, keys: keysOf(how, time.carried, clock.now()) },
    generations: Math.max(how.generations, REMEMBERED),
    index: carried,
    carried: state.carried,
    store: {
      stage: ({ sha256, size, also }, bytes) => blobs.stage({ sha256, size, also: alsoOf(also) }, bytes, name),
      content: (content) => blobs.content(content),
      has: ({ sha256, size }) => blobs.isHeld({ length: size, digests: new Map([['sha256', sha256]]) }),
      sync: (sha256) => blobs.sync(sha256),
    },
    upstream,
    caller: internalCaller(name, 'import'),
    now: () => clock.now(),
    refuseReference: (at) => time.refuseReference(at),
    async room() {
      const free = await freeBytes(operator.config.data);
      return free === undefined ? undefined : Math.max(0, free - RESERVE);
    },
    feed: feedPlace({ ...composition, config: operator.config }),
    scanner: how.scan && createScanner(how.scan),
    onProgress,
  };
}

function alsoOf(also: StagedContent['also'] = {}): Digests {
  return new Map(
    ALGORITHMS.flatMap((name) => (name === 'sha256' || also[name] === undefined ? [] : [[name, also[name]]])),
  );
}

/** Imports whose tables a later bundle may build on, however few are retained with their files. */
const REMEMBERED = 16;

function notImported(name: string): Refusal {
  return new Refusal(
    'unlisted',
    `No index called ${name} arrives by import: give it "import:" in the configuration, in place of "upstream".`,
    { subject: 'request' },
  );
}

/** Configured keys, and those that a bundle has announced. A configured end holds whatever is announced. */
function keysOf({ keys }: ImportConfig, carried: Carried | undefined, now: number): Site['keys'] {
  const own = keys.map((key): TrustedKey => ({ name: key.name, public: publicOf(key), until: key.until }));
  const known = new Set(own.map((key) => key.public));
  const announced = (carried?.announced ?? [])
    .filter((key) => !known.has(key.public) && (key.from === undefined || key.from <= now))
    .map((key): TrustedKey => ({ name: key.name, public: key.public, until: key.until }));
  return [...own, ...announced];
}

function publicOf({ name, public: given }: ImportKey): string {
  return parsePublicKey('hex' in given ? given.hex : readGiven(given.file, `the key ${name}`).toString('utf8'));
}
