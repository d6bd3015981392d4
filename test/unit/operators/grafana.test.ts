import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { allMetrics } from '../../../scripts/metrics-table.ts';
import { type Dashboard, readDashboards } from '../../support/grafana.ts';
import { PROMTOOL, promtool } from '../../support/promtool.ts';
import { requirePart } from '../../support/python.ts';

// The rules of Grafana's dashboard-linter, and that a colour means one thing.

const dashboards = await readDashboards();
const SOURCE = { type: 'prometheus', uid: `$${'{datasource}'}` };
const COLOURS = { green: 'well', yellow: 'to look at', red: 'to act on' };

describe.each(dashboards)('$title', ({ title, editable, description, templating, panels }: Dashboard) => {
  const variable = (name: string) => templating.list.find((each) => each.name === name);

  it('chooses its data source', () => {
    expect(variable('datasource')).toMatchObject({ type: 'datasource', query: 'prometheus' });
  });

  it.each(['job', 'instance'])('chooses %s: any, several or all', (name) => {
    expect(variable(name)).toMatchObject({ type: 'query', multi: true, includeAll: true, datasource: SOURCE });
    expect(variable(name)?.query).toMatch(/^label_values\(verbatim_build_info(\{job=~"\$job"\})?, \w+\)$/);
  });

  it('is what the files say, and not what somebody changed', () => {
    expect(editable).toBe(false);
    expect([title, description].every((text) => /^\S.*\S$/.test(text))).toBe(true);
  });

  it('has each number of a panel, and each title, once', () => {
    for (const all of [panels.map(({ id }) => `${id}`), panels.map((panel) => panel.title)])
      expect(new Set(all).size).toBe(panels.length);
  });

  describe.each(panels)('panel $title', (panel) => {
    const expressions = panel.targets.map(({ expr }) => expr);

    it('has a title, a sentence that explains it, and a unit', () => {
      expect(panel.title).toMatch(/^[A-Z]/);
      expect(panel.description).toMatch(/^\S.{20,}\.$/);
      expect(panel.fieldConfig.defaults.unit).toMatch(/^\w+$/);
    });

    it('asks the data source that was chosen, for something', () => {
      expect(panel.datasource).toEqual(SOURCE);
      expect(panel.targets.length).toBeGreaterThan(0);
      for (const target of panel.targets) expect(target.datasource).toEqual(SOURCE);
    });

    it('asks for the chosen jobs and instances alone', () => {
      for (const expr of expressions) {
        const selectors = expr.match(/\b(?:verbatim|nodejs|process)_\w+\{[^}]*\}|\bup\{[^}]*\}/g) ?? [];
        expect(selectors.length).toBe(expr.match(/\b(?:verbatim|nodejs|process)_\w+|\bup\b/g)?.length);
        for (const selector of selectors) expect(selector).toContain('{job=~"$job", instance=~"$instance"');
      }
    });

    it('takes rates of counters, of nothing else, and over the interval that Grafana gives', () => {
      for (const expr of expressions) {
        const counted = [...expr.matchAll(/(\w+\()?((?:verbatim|process)_\w+)\{[^}]*\}(\[[^\]]+\])?/g)];
        for (const [, by, name = '', range] of counted) {
          const isCounter = /_(total|bucket|sum|count)$/.test(name);
          expect([name, by === 'rate(' || by === 'increase(', range !== undefined]).toEqual([
            name,
            isCounter,
            isCounter,
          ]);
          if (by === 'rate(') expect(range).toBe('[$__rate_interval]');
        }
      }
    });

    it('asks for metrics that there are', () => {
      const known = new Set(
        allMetrics().flatMap(({ name, kind }) => (kind === 'histogram' ? [`${name}_bucket`] : [name])),
      );
      const asked = expressions.flatMap((expr) => expr.match(/\bverbatim_\w+/g) ?? []);
      expect(asked.filter((name) => !known.has(name))).toEqual([]);
    });

    it('has colours that mean one thing', () => {
      const used = panel.fieldConfig.defaults.thresholds.steps.map(({ color }) => color);
      expect(used.filter((color) => !(color in COLOURS))).toEqual([]);
    });
  });
});

it.runIf(requirePart('promtool', PROMTOOL))('every query is one that Prometheus understands', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-grafana-'));
  try {
    const rules = dashboards
      .flatMap(({ panels }) => panels.flatMap(({ targets }) => targets))
      .map(({ expr }, at) => ({ record: `asked:${at}`, expr: expr.replaceAll('$__rate_interval', '1m') }));
    const file = join(directory, 'rules.yml');
    await writeFile(file, JSON.stringify({ groups: [{ name: 'panels', rules }] }));
    expect(await promtool(['check', 'rules', file])).toBe('');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

it('is provisioned from the folder where the dashboards are mounted', async () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const compose = await readFile(join(root, 'docker-compose.yml'), 'utf8');
  const provider = await readFile(join(root, 'grafana/provisioning/dashboards/verbatim.yml'), 'utf8');
  const folder = /path: (\S+)/.exec(provider)?.[1] ?? 'nowhere';
  expect(compose).toContain(`./grafana/dashboards:${folder}:ro`);
  expect(compose).toContain('./grafana/provisioning:/etc/grafana/provisioning:ro');
  expect((await readdir(join(root, 'grafana/dashboards'))).length).toBe(dashboards.length);
});
