import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import type { FactSource } from '../../../src/mirror/policy/fact-source.ts';
import type { Rule } from '../../../src/policy/rule.ts';
import { versionKey } from '../../../src/pypi/versions.ts';
import { client, PLAIN } from '../../support/callers.ts';
import { reasonOf } from '../../support/client.ts';
import { NOTHING_BY_HAND, policyOver } from '../../support/policies.ts';
import { answerOf, pageOf, unsignedIndex } from '../../support/unsigned-index.ts';

// Rules over facts decide what an index serves: anew when a fact changes, and once more before a file's first byte.

const OLD = 'alpha-1.0.tar.gz';
const NEW = 'alpha-2.0.tar.gz';
const NOW = 1_800_000_000;
const BYTES = Buffer.from('the bytes of a file');

/** What is known to be bad of alpha: version, which says of which files. */
function source() {
  const known = { version: '', files: [] as readonly string[], learnt: [] as string[] };
  const facts: FactSource<'byHand'> = {
    name: 'byHand',
    version: () => known.version,
    of: () => ({
      whole: undefined,
      versions: new Map(known.files.map((version) => [versionKey(version), { version, reason: 'a fact', at: NOW }])),
    }),
    async learn(_, { entry }, blob) {
      known.learnt.push(`${entry.filename} ${blob.sha256}`);
    },
  };
  return { known, facts };
}

async function start(sources: readonly FactSource[], rules: readonly Rule[] = []) {
  let asked = 0;
  const page = JSON.parse(String(pageOf([OLD, NEW])));
  for (const file of page.files) file.hashes = { sha256: sha256Hex(BYTES) };
  const index = await unsignedIndex({
    now: () => NOW,
    policy: policyOver(NOTHING_BY_HAND, { rules, sources, now: () => NOW }),
    upstream: {
      async document() {
        asked++;
        return answerOf(Buffer.from(JSON.stringify(page)));
      },
      download:
        () =>
        async ({ offset }) => ({ start: offset, bytes: once(BYTES.subarray(offset)) }),
    },
  });
  const names = async () => [...(await index.listing('alpha', client())).listing.files.keys()];
  const file = () => index.file({ project: 'alpha', digest: sha256Hex(BYTES), filename: NEW }, client());
  return { index, names, file, asked: () => asked };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

describe('a fact that changes', () => {
  it('has warm pages drawn again by it, and nobody upstream asked', async () => {
    const { known, facts } = source();
    const { index, names, asked } = await start([facts]);
    expect(await names()).toEqual([OLD, NEW]);
    await index.page('alpha', client());
    expect(index.warmPage('alpha', PLAIN)).toBeDefined();
    known.files = ['2'];
    known.version = 'second';
    expect(index.warmPage('alpha', PLAIN)).toBeUndefined();
    expect(await names()).toEqual([OLD]);
    expect(asked()).toBe(1);
  });
});

describe('a file whose bytes were proved', () => {
  it('is learnt of before a rule is asked about it', async () => {
    const { known, facts } = source();
    const { file } = await start([facts]);
    await (await file()).open();
    expect(known.learnt).toEqual([`${NEW} ${sha256Hex(BYTES)}`]);
  });

  it('is refused by a rule that learnt something of it on the way', async () => {
    const { known, facts } = source();
    const learning: FactSource = {
      ...facts,
      async learn() {
        known.files = ['2'];
      },
    };
    const { file } = await start([learning]);
    const opened = await (await file()).open().catch((error: unknown) => error);
    expect(opened).toMatchObject({ reason: 'policy', ruled: { rule: 'quarantined here' } });
  });
});

it('a project that a rule denies is refused by name, and a page is what refuses it', async () => {
  const closed: Rule = {
    name: 'closed',
    version: '1',
    project: () => ({ action: 'deny', sentence: (name) => `${name} is closed.` }),
  };
  const { index, asked } = await start([], [closed]);
  expect(await index.page('alpha', client()).catch((error: unknown) => error)).toMatchObject({
    ruled: { rule: 'closed', project: 'alpha', file: undefined },
    subject: 'page',
    message: 'alpha is closed.',
  });
  expect(await reasonOf(index.listing('alpha', client()))).toBe('policy');
  expect(asked()).toBe(0);
});
