import { Registry } from 'prom-client';
import { EVENTS } from '../src/telemetry/event-table.ts';
import { createEmit } from '../src/telemetry/events.ts';
import { createLog } from '../src/telemetry/log.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';

// Every metric there is, as docs/metrics.md has it: read from the registry that a scrape reads.

/** Values of a label that are listed in the table; of more the page says where they are. */
const MOST_VALUES = 8;

export interface MetricRow {
  readonly name: string;
  readonly kind: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** All of our own, whatever is configured; those of the process and of node are none of ours. */
export function allMetrics(): readonly MetricRow[] {
  return registered()
    .getMetricsAsArray()
    .map((metric) => ({
      name: metric.name,
      kind: metric.constructor.name === 'Reading' ? 'histogram' : metric.constructor.name.toLowerCase(),
      labels: labelsOf(metric),
      help: helpOf(metric),
    }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Text of docs/metrics.md. */
export function metricsPage(): string {
  const events = new Map(Object.values(EVENTS).map((row) => [row.counter.name, row]));
  const rows = allMetrics().map(({ name, kind, labels, help }) => {
    const row = events.get(name);
    const shown = labels.map((label) => {
      const foreseen = row?.counter.labels[label];
      const values = foreseen === undefined || foreseen === 'index' ? [] : foreseen.values;
      const listed = values.length <= MOST_VALUES ? values.map((value) => `\`${value}\``).join(' ') : '';
      return `\`${label}\`${listed === '' ? '' : `: ${listed}`}`;
    });
    return `| \`${name}\` | ${kind} | ${shown.join('; ')} | ${help.replaceAll('|', '\\|')} | ${row === undefined ? '' : `\`${row.word}\``} |`;
  });
  return `${HEAD}\n| metric | kind | labels | says | log |\n| --- | --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

const HEAD = `# Metrics

\`npm run metrics\` writes this page from the program, and a test holds both together. How to scrape them, and how those of several processes
become one, is in [operating.md](operating.md#watch-it); what somebody is woken for is in config/alerts.rules.yml, with a page for each alert in
[runbooks](runbooks/README.md).

Labels have closed lists of values: no project, file, address or user agent is one, and no client can add a series. \`index\` is a configured
index, or empty where all share what is told. Where a list is long it is elsewhere: \`reason\` in [trust.md](trust.md), \`what\` in
[operating.md](operating.md#watch-it). Counters begin at 0 for what is foreseen, so that a rate sees the first event. The last column is the log's field
\`event\` of the same thing. Times are seconds since 1970: \`time() - verbatim_refresh_last_success_timestamp_seconds\` stays true where a process hangs.

Besides these there are \`process_*\` and \`nodejs_*\`: memory, processor time, descriptors, collection of garbage, delay of the event loop
(\`nodejs_eventloop_lag_p99_seconds\`).
`;

function registered(): Registry {
  const registry = new Registry();
  const about = { name: 'main', evidence: 'tuf', refreshSeconds: 1 };
  const metrics = createMetrics({ indexes: [about], version: '', processMetrics: false, registry });
  createEmit(createLog({ level: 'error', format: 'json', sink: { write: () => undefined } }), metrics);
  const never = (): never => {
    throw new Error('nothing is read for the table');
  };
  metrics.watchBucket(never);
  metrics.watchConditions(never);
  metrics.watchConnections(never);
  metrics.watchDisk(never);
  metrics.watchFleet(never);
  metrics.watchKept(never);
  metrics.watchPages(never);
  metrics.watchQueues(never);
  metrics.watchRedis(never);
  metrics.watchStore(never);
  metrics.watchWorkers(never);
  return registry;
}

/** The library's declarations leave out what its metrics hold. */
function labelsOf(metric: object): readonly string[] {
  const names = 'labelNames' in metric && Array.isArray(metric.labelNames) ? metric.labelNames : [];
  return names.filter((name): name is string => typeof name === 'string' && name !== 'le');
}

function helpOf(metric: object): string {
  return 'help' in metric && typeof metric.help === 'string' ? metric.help : '';
}
