import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { internalCaller } from '../../src/async/caller.ts';
import type { Config, UnsignedIndexConfig } from '../../src/config/config.ts';
import { NO_POLICY } from '../../src/config/policy/settings.ts';
import type { PolicySettings } from '../../src/policy/settings.ts';
import { startIndexRig } from '../rigs/index-rig.ts';
import { makeScratch } from '../rigs/mirror.ts';
import { advisoriesFrom, advisory, archiveOf } from '../support/advisories.ts';
import { GITHUB_PUBLISHER, provenanceOf, startSigstore } from '../support/sigstore.ts';
import { type TinyWheel, tinyWheel, zip } from '../support/tiny-wheel.ts';

// The 24th of March 2026 once more, minute by minute: litellm 1.82.7 was uploaded with a stolen token, then 1.82.8 (with a .pth file), both were gone 2 hours
// and 32 minutes after the first, and the first advisory says 15:35 UTC, as was published. The minutes of the two uploads are assumed. Every minute somebody installs
// the newest version that the mirror lists. How many of them get a bad one?

const at = (hour: number, minute: number) => Date.UTC(2026, 2, 24, hour, minute) / 1000;
const FIRST = at(10, 30);
const BAD_FROM = at(10, 39);
const WORSE_FROM = at(10, 52);
const GONE = BAD_FROM + (2 * 60 + 32) * 60;
const TOLD = at(15, 35);
const LAST = at(16, 0);
const CHANGES = [BAD_FROM, WORSE_FROM, GONE, TOLD];

const uploaded = (wheel: TinyWheel, when: number): TinyWheel => ({
  ...wheel,
  uploadTime: new Date(when * 1000).toISOString(),
});
const GOOD = uploaded(tinyWheel('litellm', '1.82.6'), at(10, 0) - 9 * 86_400);
const BAD = uploaded(tinyWheel('litellm', '1.82.7', 'evil'), BAD_FROM);
const plainWorse = tinyWheel('litellm', '1.82.8');
const WORSE = uploaded(
  {
    ...plainWorse,
    bytes: zip([
      ['litellm.py', Buffer.from('')],
      ['litellm_init.pth', Buffer.from('import os\n')],
      ['litellm-1.82.8.dist-info/METADATA', plainWorse.coreMetadata],
      ['litellm-1.82.8.dist-info/RECORD', Buffer.from('')],
    ]),
  },
  WORSE_FROM,
);

let scratch: string;
let root: string;
let provenance: Uint8Array;
beforeAll(async () => {
  scratch = await makeScratch();
  root = join(scratch, 'trusted_root.json');
  const sigstore = await startSigstore();
  await writeFile(root, JSON.stringify(sigstore.trustedRoot));
  const sha256 = createHash('sha256').update(GOOD.bytes).digest('hex');
  provenance = provenanceOf(GITHUB_PUBLISHER, await sigstore.attest({ filename: GOOD.filename, sha256 }));
});
afterAll(() => rm(scratch, { recursive: true }));

interface Day {
  readonly policy?: Partial<PolicySettings>;
  readonly index?: Partial<UnsignedIndexConfig>;
  readonly advisories?: Config['advisories'];
  readonly feed?: string;
  /** Pages never list a bad one. */
  readonly hides?: boolean;
}

/** What upstream has at this moment. */
function uploadedBy(now: number): readonly TinyWheel[] {
  if (now < BAD_FROM || now >= GONE) return [GOOD];
  return now < WORSE_FROM ? [GOOD, BAD] : [GOOD, BAD, WORSE];
}

/** Installs in each version, and those that were refused. */
async function day({ policy, index, advisories, feed, hides = false }: Day) {
  const rig = await startIndexRig({
    maxAge: 86_400,
    fill(pypi) {
      pypi.provenance.set(GOOD.filename, provenance);
      const path = `integrity/litellm/1.82.6/${GOOD.filename}/provenance`;
      pypi.upload('litellm', GOOD, { provenance: `${pypi.url}${path}` });
    },
    index: { maxAge: 86_400, policy: policy && { ...NO_POLICY, ...policy }, ...index },
    advisories,
  });
  try {
    const count = { good: 0, bad: 0, worse: 0, refused: 0 };
    const install = async () => {
      const { files } = await rig.page('litellm');
      const newest = files.toSorted((a, b) => (a.filename < b.filename ? 1 : -1))[0];
      const { status, body } = await rig.get(
        new URL(newest?.url ?? '', new URL('/simple/litellm/', rig.url())).pathname,
      );
      if (status !== 200) return 'refused';
      return body.equals(BAD.bytes) ? 'bad' : body.equals(WORSE.bytes) ? 'worse' : 'good';
    };
    rig.clock.set(FIRST - 60);
    expect(await install()).toBe('good');
    for (let now = FIRST; now < LAST; now += 60) {
      rig.clock.set(now);
      if (now === BAD_FROM) rig.pypi.upload('litellm', BAD);
      if (now === WORSE_FROM) rig.pypi.upload('litellm', WORSE);
      if (now === GONE) for (const each of [BAD, WORSE]) rig.pypi.remove('litellm', each.filename);
      if (now === TOLD && feed !== undefined) {
        const versions = ['1.82.7', '1.82.8'];
        await writeFile(feed, archiveOf([advisory('MAL-2026-2144', 'litellm', { versions })]));
        await rig.restart();
      }
      // The mirror knows at once what upstream has; nothing else makes it ask.
      if (CHANGES.includes(now)) {
        await rig.index().look('litellm', internalCaller('main', 'test'));
        const there = hides ? [GOOD] : uploadedBy(now);
        const names = async () => (await rig.names('litellm')).toSorted();
        await expect.poll(names, { timeout: 60_000 }).toEqual(there.map(({ filename }) => filename));
      }
      count[await install()]++;
    }
    return count;
  } finally {
    await rig.close();
  }
}

const MINUTES = (LAST - FIRST) / 60;
const EXPOSED = (GONE - BAD_FROM) / 60;
const AGE = { files: 2 * 86_400, projects: 0, since: undefined, action: 'hide', fixes: 'wait' } as const;

describe('the litellm day, an install a minute', { timeout: 600_000 }, () => {
  it('without a policy, everybody gets a bad version as long as it is there', async () => {
    const { good, bad, worse, refused } = await day({});
    expect({ bad, worse, refused }).toEqual({ bad: 13, worse: EXPOSED - 13, refused: 0 });
    expect(good).toBe(MINUTES - EXPOSED);
  });

  it('with an age of two days nobody does, and everybody gets the version before', async () => {
    expect(await day({ policy: { minimumAge: AGE }, hides: true })).toEqual({
      good: MINUTES,
      bad: 0,
      worse: 0,
      refused: 0,
    });
  });

  it('where lost provenance is held back nobody does', async () => {
    const rules = {
      mode: 'require-when-present',
      trustedRoot: root,
      rootFrom: undefined,
      gitlab: [],
      publishers: {},
      projects: {},
    } as const;
    expect(await day({ index: { provenance: rules }, hides: true })).toEqual({
      good: MINUTES,
      bad: 0,
      worse: 0,
      refused: 0,
    });
  });

  it('with a feed of advisories at its real delay everybody does: it comes when the exposure is over', async () => {
    const feed = join(scratch, 'all.zip');
    await writeFile(feed, archiveOf([advisory('PYSEC-2026-1', 'other', { versions: ['1.0'] })]));
    const advisories = { ...advisoriesFrom({ archive: feed }), maxAge: 30 * 86_400 };
    const { bad, worse } = await day({ advisories, feed });
    expect(bad + worse).toBe(EXPOSED);
  });

  it('where a new .pth is denied, those of the first thirteen minutes do, and then nobody installs anything', async () => {
    const condition = { name: 'new-pth', when: 'new-pth', action: 'deny', unjudged: 'report' } as const;
    const { bad, worse, refused } = await day({ policy: { conditions: [condition] } });
    expect({ bad, worse, refused }).toEqual({ bad: 13, worse: 0, refused: EXPOSED - 13 });
  });

  it('has its table in the documentation, with these numbers', async () => {
    const text = await readFile(new URL('../../docs/policy.md', import.meta.url), 'utf8');
    for (const row of [
      `| none | ${EXPOSED} of ${MINUTES} |`,
      '| `minimum_age: 2d` | 0 |',
      '| provenance lost is held back (`provenance: require-when-present`) | 0 |',
      `| advisories (OSV) alone, at their real delay | ${EXPOSED} |`,
      '| a new `.pth` is denied (`new-pth`) | 13 |',
    ])
      expect(text).toContain(row);
  });
});
