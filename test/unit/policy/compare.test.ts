import { describe, expect, it } from 'vitest';
import { changesOf, judgeBy, type KnownPage, refusedOf } from '../../../src/policy/compare.ts';
import type { PolicySettings } from '../../../src/policy/settings.ts';
import type { JudgedFile } from '../../../src/pypi/listing.ts';

// What another policy would change of what is held, and would have refused of what was sent.

const DAY = 86_400;
const NOW = Date.UTC(2026, 10, 26, 12) / 1000;
const OLD = 'alpha-1.0.tar.gz';
const NEW = 'alpha-2.0.tar.gz';

const policy = (more: Partial<PolicySettings>): PolicySettings => ({
  minimumAge: undefined,
  missingUploadTime: 'omit',
  projects: [],
  names: undefined,
  conditions: [],
  exceptions: [],
  ...more,
});
const AGE = policy({ minimumAge: { files: 7 * DAY, projects: 0, since: undefined, action: 'hide', fixes: 'wait' } });
const DENIED = policy({ names: { allow: undefined, deny: ['alpha <2'], action: 'deny' } });

/** Uploaded so many days ago. */
function known(days: Readonly<Record<string, number>>): KnownPage {
  const files = Object.entries(days).map(([filename, ago]): readonly [string, JudgedFile] => [
    filename,
    {
      path: filename,
      entry: { filename, digests: new Map(), uploadTime: new Date((NOW - ago * DAY) * 1000).toISOString() },
    },
  ]);
  const pins = files.map(([name]) => [name, { digests: new Map(), seen: NOW }] as const);
  return { page: { name: 'alpha', files: new Map(files) }, pins: new Map(pins), facts: {} };
}

const PAGE = known({ [OLD]: 90, [NEW]: 1 });

describe('what another policy would change', () => {
  const changes = (before: PolicySettings | undefined, after: PolicySettings | undefined) =>
    changesOf(PAGE, judgeBy(before), judgeBy(after), NOW).map((each) => [
      each.file,
      each.before,
      each.after,
      each.rule,
    ]);

  it('is what one serves, hides or denies and the other does not', () => {
    expect(changes(undefined, AGE)).toEqual([[NEW, 'serve', 'hide', 'minimum age']]);
    expect(changes(AGE, undefined)).toEqual([[NEW, 'hide', 'serve', 'minimum age']]);
    expect(changes(AGE, DENIED)).toEqual([
      [OLD, 'serve', 'deny', 'names'],
      [NEW, 'hide', 'serve', 'minimum age'],
    ]);
  });

  it('is nothing where an operator lets it pass', () => {
    const granted = {
      action: 'allow' as const,
      pattern: { text: 'alpha', glob: 'alpha', versions: undefined },
      file: NEW,
      rule: 'minimum age',
      reason: 'ticket 7',
      until: undefined,
    };
    const changes = changesOf({ ...PAGE, facts: { answers: [granted] } }, judgeBy(undefined), judgeBy(AGE), NOW);
    expect(changes).toEqual([]);
  });

  it('is nothing where both say the same', () => {
    expect(changes(AGE, AGE)).toEqual([]);
    expect(changes(undefined, undefined)).toEqual([]);
  });
});

describe('what a policy would have refused of what was sent', () => {
  const refused = (settings: PolicySettings | undefined, ...sent: readonly (readonly [string, number])[]) =>
    refusedOf(
      PAGE,
      sent.map(([file, at]) => ({ file, at })),
      judgeBy(settings),
    ).map((each) => [each.sent.file, each.sent.at, each.rule]);

  it('is what was too young when it was sent, and not what is young now', () => {
    const uploaded = NOW - DAY;
    expect(
      refused(AGE, [NEW, uploaded + 8 * DAY], [NEW, uploaded + 2 * DAY], [OLD, NOW], [NEW, uploaded + 7 * DAY]),
    ).toEqual([[NEW, uploaded + 2 * DAY, 'minimum age']]);
  });

  it('is what was there under an exception that had ended by then', () => {
    const granted = { project: 'alpha', file: undefined, rule: undefined, reason: 'a fix', until: NOW + 60 };
    const settings = { ...AGE, exceptions: [granted] };
    expect(refused(settings, [NEW, NOW], [NEW, NOW + 60])).toEqual([[NEW, NOW + 60, 'minimum age']]);
  });

  it('is nothing without a policy', () => {
    expect(refused(undefined, [NEW, NOW])).toEqual([]);
  });
});
