import { describe, expect, it } from 'vitest';
import { rulesOf } from '../../../src/policy/compile.ts';
import type { KnownBad } from '../../../src/policy/facts.ts';
import { judgePage } from '../../../src/policy/judge.ts';
import type { JudgedFile, JudgedPage } from '../../../src/pypi/listing.ts';
import { versionKey } from '../../../src/pypi/versions.ts';

// A new release that is stated to mend an older one need not come of age, where the policy lets fixes pass.

const DAY = 86_400;
const NOW = Date.UTC(2026, 10, 26, 12) / 1000;
const OLD = 'alpha-1.0-py3-none-any.whl';
const FIX = 'alpha-1.1-py3-none-any.whl';

/** Days ago, by file name. */
function page(files: Readonly<Record<string, number>>): JudgedPage {
  const judged = Object.entries(files).map(([filename, days]): readonly [string, JudgedFile] => [
    filename,
    {
      path: filename,
      entry: { filename, digests: new Map(), uploadTime: new Date((NOW - days * DAY) * 1000).toISOString() },
    },
  ]);
  return { name: 'alpha', files: new Map(judged) };
}

const advisory = (affected: readonly string[], fixed: readonly string[], id = 'PYSEC-2026-7'): KnownBad => ({
  id,
  summary: 'reads what it should not',
  malware: false,
  affects: (version) => affected.includes(version),
  fixedIn: new Set(fixed.map(versionKey)),
});

function judged(
  files: Readonly<Record<string, number>>,
  knownBad: readonly KnownBad[],
  fixes: 'wait' | 'pass' = 'pass',
) {
  const rules = rulesOf({
    minimumAge: { files: 7 * DAY, projects: 0, since: undefined, action: 'hide', fixes },
    missingUploadTime: 'omit',
    projects: [],
    names: undefined,
    conditions: [],
    exceptions: [],
  });
  const verdict = judgePage(rules, { page: page(files), pins: new Map(), facts: { knownBad }, now: NOW });
  const hidden = Object.keys(files).filter((name) => (verdict.files.get(name) ?? verdict.others).action !== 'serve');
  return { hidden, told: verdict.told.map(({ action, sentence }) => `${action}: ${sentence(FIX)}`), verdict };
}

describe('a release that mends a known fault', () => {
  const speaking = [advisory(['1.0'], ['1.1'])];

  it('is served though it is young, and it is told why, until it is old enough', () => {
    const { hidden, told, verdict } = judged({ [OLD]: 90, [FIX]: 1 }, speaking);
    expect(hidden).toEqual([]);
    expect(told).toEqual([
      `report: ${FIX} is served though it is young: PYSEC-2026-7 (reads what it should not) speaks of 1.0, and names this version as the one that mends it.`,
    ]);
    expect(verdict.files.get(FIX)?.until).toBe(NOW + 6 * DAY);
  });

  it('waits where the policy does not let fixes pass, and where no advisory says so', () => {
    expect(judged({ [OLD]: 90, [FIX]: 1 }, speaking, 'wait').hidden).toEqual([FIX]);
    expect(judged({ [OLD]: 90, [FIX]: 1 }, []).hidden).toEqual([FIX]);
    expect(judged({ [OLD]: 90, [FIX]: 1 }, [advisory(['1.0'], ['1.2'])]).hidden).toEqual([FIX]);
  });

  it('is meant in whatever spelling, with all of its files', () => {
    const files = { [OLD]: 90, [FIX]: 1, 'alpha-1.1.0.tar.gz': 1 };
    expect(judged(files, [advisory(['1.0'], ['v1.1'])]).hidden).toEqual([]);
  });

  it('waits where no older version that it mends is there', () => {
    expect(judged({ 'alpha-0.9.tar.gz': 90, [FIX]: 1 }, speaking).hidden).toEqual([FIX]);
    expect(judged({ 'alpha-2.0.tar.gz': 90, [FIX]: 1 }, [advisory(['2.0'], ['1.1'])]).hidden).toEqual([FIX]);
  });

  it('waits where another advisory speaks of it, malware or not', () => {
    const other = { ...advisory(['1.1'], [], 'MAL-2026-1'), malware: true };
    expect(judged({ [OLD]: 90, [FIX]: 1 }, [...speaking, other]).hidden).toEqual([FIX]);
  });

  it('lets no file pass that joins it when it is old: that mended nothing', () => {
    const late = 'alpha-1.1-cp313-cp313-linux_x86_64.whl';
    expect(judged({ [OLD]: 900, [FIX]: 800, [late]: 1 }, speaking).hidden).toEqual([late]);
  });

  it('that has no version which can be compared waits', () => {
    const odd = 'alpha-weird-py3-none-any.whl';
    expect(judged({ [OLD]: 90, [odd]: 1 }, [advisory(['1.0'], ['weird'])]).hidden).toEqual([odd]);
  });
});
