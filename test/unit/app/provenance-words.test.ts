import { beforeAll, describe, expect, it } from 'vitest';
import { knownProvenance } from '../../../src/app/provenance/known.ts';
import { provenanceSays } from '../../../src/app/provenance/words.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { makeUnverifiedDocument } from '../../../src/bytes/unverified.ts';
import { ProvenanceKeeper } from '../../../src/mirror/provenance/keeper.ts';
import { makeBlob } from '../../../src/ports/blob.ts';
import type { Pin } from '../../../src/ports/index-state.ts';
import type { OwnFile } from '../../../src/pypi/listing.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { createProvenanceDesk } from '../../../src/workers/provenance-desk.ts';
import { unsignedConfig } from '../../rigs/mirror.ts';
import { client } from '../../support/callers.ts';
import { createClock, DAY } from '../../support/clock.ts';
import { createMemoryState } from '../../support/memory-state.ts';
import { GITHUB_PUBLISHER, provenanceOf, startSigstore, type TestSigstore } from '../../support/sigstore.ts';
import { MILL } from '../provenance/sources.ts';

// What `verbatim explain` says of the provenance of a file, after whatever upstream made of it.

let sigstore: TestSigstore;
let right: Uint8Array;
let aboutOthers: Uint8Array;
beforeAll(async () => {
  sigstore = await startSigstore();
  right = provenanceOf(GITHUB_PUBLISHER, await sigstore.attest(MILL));
  aboutOthers = provenanceOf(GITHUB_PUBLISHER, await sigstore.attest({ ...MILL, sha256: 'cd'.repeat(32) }));
});

const PROVENANCE = {
  mode: 'require-when-present',
  projects: {},
  publishers: {},
  trustedRoot: undefined,
  rootFrom: undefined,
  gitlab: [],
} as const;
const config = {
  indexes: { main: unsignedConfig({ name: 'main', upstream: 'https://index.example/', provenance: PROVENANCE }) },
};
const blob = makeBlob(MILL.sha256, 1, { send: async () => undefined, bytes: async () => Buffer.of(0) });

function fileOf(announced: boolean): OwnFile {
  const url = 'https://files.example/it';
  const digests = new Map([['sha256', MILL.sha256]] as const);
  const provenance = announced ? 'https://index.example/it' : undefined;
  return { entry: { filename: MILL.filename, url, digests, provenance }, upstream: url, path: 'it' };
}

/** Somebody asks for the file again and again, a day and more between. */
function rig() {
  const clock = createClock();
  const state = createIndexState({ storage: createMemoryState().party(), index: 'main' });
  const root = { sha256: 'b'.repeat(64), bytes: Buffer.from(JSON.stringify(sigstore.trustedRoot)) };
  let sends: Uint8Array | Refusal = right;
  const keeper = new ProvenanceKeeper({
    index: 'main',
    state,
    pins: { of: async () => new Map<string, Pin>() },
    clock,
    emit: () => undefined,
    work: { judge: createProvenanceDesk() },
    root: async () => root,
    gitlab: [],
    mode: () => PROVENANCE.mode,
    expected: () => [],
  });
  keeper.attach({
    async provenanceOf() {
      if (sends instanceof Refusal) throw sends;
      return makeUnverifiedDocument({ bytes: sends, contentType: 'application/json', maxAge: 0 });
    },
  });
  return async (given: Uint8Array | Refusal | 'not announced'): Promise<string> => {
    const file = fileOf(given !== 'not announced');
    if (given !== 'not announced') sends = given;
    clock.advance(DAY + 1);
    await keeper.learn('mill', file, blob, client());
    const listing = { name: 'mill', files: new Map([[MILL.filename, file]]) };
    const known = await knownProvenance({ config, state, index: 'main', listing });
    return known === undefined ? '' : provenanceSays(known, MILL.filename).join('\n');
  };
}

const VERIFIED = /^Provenance: Published by GitHub octo\/mill release\.yml; that is verified/;

describe('explain, of provenance that was verified and', () => {
  it.each<[string, () => Uint8Array | Refusal, RegExp]>([
    ['vanishes', () => new Refusal('unlisted', 'It is not there.'), /that cannot be had: /],
    ['changes into something else', () => Buffer.from('{}'), /who published it is wrong: /],
    ['is about other bytes than those that are pinned', () => aboutOthers, /is wrong: it is about other bytes/],
    [
      'is larger than is accepted',
      () => new Refusal('limit', 'It is larger than 4 MB.'),
      /is wrong: it is larger than this mirror accepts/,
    ],
    ['is ten thousand levels deep', () => Buffer.from('['.repeat(10_000)), /is wrong: /],
  ])('%s, says that and why', async (_, sends, words) => {
    const explained = rig();
    expect(await explained(right)).toMatch(VERIFIED);
    expect(await explained(sends())).toMatch(words);
  });

  it('times out, says still what is known', async () => {
    const explained = rig();
    expect(await explained(right)).toMatch(VERIFIED);
    expect(await explained(new Refusal('slow', 'It took too long.', { transient: true }))).toMatch(VERIFIED);
  });

  it('is not announced any more, says that nobody says so', async () => {
    const explained = rig();
    expect(await explained(right)).toMatch(VERIFIED);
    expect(await explained('not announced')).toMatch(/^Provenance: It does not say who published it\./);
  });
});

describe('explain, of provenance that', () => {
  it('appears where there was none, says who published the file', async () => {
    const explained = rig();
    expect(await explained('not announced')).toMatch(/^Provenance: It does not say who published it\./);
    expect(await explained(right)).toMatch(VERIFIED);
  });

  it('times out when it is first asked for, says that it is still to be checked, and calls nothing wrong', async () => {
    const explained = rig();
    const said = await explained(new Refusal('slow', 'It took too long.', { transient: true }));
    expect(said).toContain('It says who published it; that is checked when the file is first asked for.');
    expect(said).not.toContain('wrong');
  });
});
