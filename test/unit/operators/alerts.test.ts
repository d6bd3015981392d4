import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { allMetrics } from '../../../scripts/metrics-table.ts';
import { SECURITY_REASONS } from '../../../src/bytes/refusal.ts';
import { CONDITIONS } from '../../../src/ports/conditions.ts';
import { PROMTOOL, promtool } from '../../support/promtool.ts';
import { requirePart } from '../../support/python.ts';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
}
interface RuleTest {
  readonly name: string;
  readonly alert_rule_test?: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[];
}

const root = (path: string) => new URL(`../../../${path}`, import.meta.url);
const read = (path: string) => readFileSync(root(path), 'utf8');
const { groups } = parse(read('config/alerts.rules.yml')) as {
  readonly groups: readonly { rules: readonly Alert[] }[];
};
const ALERTS = groups.flatMap(({ rules }) => rules);
const { tests } = parse(read('config/alerts.test.yml')) as { readonly tests: readonly RuleTest[] };
/** What a scrape has: of a histogram its parts. */
const SERIES = new Set([
  ...allMetrics().flatMap(({ name, kind }) =>
    kind === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
  'nodejs_eventloop_lag_p99_seconds',
  'up',
]);

/** What the fault walks expect to fire. */
const WALKED = readdirSync(root('test/interop/alerts')).flatMap((name) =>
  [...read(`test/interop/alerts/${name}`).matchAll(/alerts: (\[\[.*\]\],|\[[\s\S]*?\n +\],\n)/g)].flatMap(
    ([, listed = '']) => listed.match(/Verbatim\w+/g) ?? [],
  ),
);

describe.each(ALERTS)('$alert', ({ alert, expr, labels, annotations }) => {
  it('says how bad it is, what is so, and where to read on', () => {
    expect(alert).toMatch(/^Verbatim[A-Z][A-Za-z]+$/);
    expect(['critical', 'warning', 'info']).toContain(labels.severity);
    expect(annotations.summary).toMatch(/^[A-Z].*\.$/);
    expect(annotations.summary).not.toContain('{{');
    expect(annotations.description).toContain('{{');
    expect(annotations.runbook_url).toBe(`docs/runbooks/${alert}.md`);
  });

  it('is struck by a fault of the real program, in front of a real Prometheus', () => {
    expect(WALKED).toContain(alert);
  });

  it('asks for metrics that there are, of the job that is scraped', () => {
    const names = expr.match(/\b(?:verbatim|nodejs|process)_\w+|\bup\b/g) ?? [];
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !SERIES.has(name))).toEqual([]);
    expect(expr.match(/\{/g)?.length).toBe(expr.match(/\{job="verbatim"/g)?.length);
  });

  it('has a page that says what it means, what to run and what to do', () => {
    const page = read(`docs/runbooks/${alert}.md`);
    expect(page.startsWith(`# ${alert}\n\n**${labels.severity}** · ${annotations.summary}\n`)).toBe(true);
    for (const part of [
      '## What it means\n',
      '## Look\n\n```sh\n',
      'It says, among the rest: `',
      '## What to do\n\n- ',
    ])
      expect(page).toContain(part);
    for (const [, target = ''] of page.matchAll(/\]\(([^)#]+)[^)]*\)/g))
      expect(read(`docs/runbooks/${target}`)).not.toBe('');
  });

  it('has a series that makes it fire, and one that does not', () => {
    const own = tests.flatMap((each) => each.alert_rule_test ?? []).filter(({ alertname }) => alertname === alert);
    expect(own.map(({ exp_alerts }) => exp_alerts.length > 0)).toEqual([true, false]);
  });
});

describe('the alerts', () => {
  it('have no page without an alert, and none is missing in the list', () => {
    const pages = readdirSync(fileURLToPath(root('docs/runbooks'))).filter((name) => name !== 'README.md');
    expect(pages.sort()).toEqual(ALERTS.map(({ alert }) => `${alert}.md`).sort());
    const list = read('docs/runbooks/README.md');
    for (const { alert, labels, annotations } of ALERTS)
      expect(list).toContain(`| [${alert}](${alert}.md) | ${labels.severity} | ${annotations.summary} |`);
  });

  it('wake somebody for every refusal that tells of other bytes than were promised', () => {
    const refusing = ALERTS.find(({ alert }) => alert === 'VerbatimRefusing');
    expect(refusing?.expr).toContain(`reason=~"${SECURITY_REASONS.join('|')}"`);
  });

  it('are told of everything that hurts: by one alert, or by a reason that is stated', () => {
    const rules = read('config/alerts.rules.yml');
    const own: Readonly<Record<string, string>> = {
      clock: 'VerbatimClock',
      disk: 'VerbatimDiskFull',
      'import-age': 'VerbatimImportOld',
    };
    const hurting = Object.entries(CONDITIONS).flatMap(([what, level]) => (level === 'warn' ? [what] : []));
    const known = /what=~"([^"]+)"/.exec(ALERTS.find(({ alert }) => alert === 'VerbatimToKnow')?.expr ?? '')?.[1];
    expect(known?.split('|')).toEqual(
      hurting.filter((what) => own[what] === undefined && what !== 'redirects').toSorted(),
    );
    expect(rules).toContain('`redirects` wakes nobody:');
    for (const [what, alert] of Object.entries(own)) {
      const { expr = '' } = ALERTS.find((each) => each.alert === alert) ?? {};
      expect(expr).toMatch(what === 'import-age' ? /verbatim_import_age_seconds/ : new RegExp(`what="${what}"`));
    }
  });

  it.runIf(requirePart('promtool', PROMTOOL))(
    'are valid, and fire for what they are for and for nothing else',
    async () => {
      const config = (name: string) => fileURLToPath(root(`config/${name}`));
      expect(await promtool(['check', 'rules', '--lint-fatal', config('alerts.rules.yml')])).toBe('');
      expect(await promtool(['test', 'rules', config('alerts.test.yml')])).toBe('');
    },
  );
});
