/** A histogram of seconds by one label, in Prometheus' words. */
export interface Durations {
  observe(label: string, seconds: number): void;
  /** As the text format has it, without a newline at the end. */
  text(): string;
}

interface Naming {
  readonly name: string;
  readonly help: string;
  readonly label: string;
  /** Upper bounds in rising order. */
  readonly buckets: readonly number[];
}

interface Observed {
  /** By bucket, not cumulative; the last is for what is above them all. */
  readonly counts: number[];
  sum: number;
}

/** prom-client's own looks a series up by its labels for every observation, which costs more than a warm answer does. */
export function createDurations({ name, help, label, buckets }: Naming): Durations {
  const observed = new Map<string, Observed>();
  const begin = (value: string): Observed => {
    const fresh = { counts: [...buckets.map(() => 0), 0], sum: 0 };
    observed.set(value, fresh);
    return fresh;
  };
  const series = (value: string, { counts, sum }: Observed): readonly string[] => {
    const shown = `${label}="${escapeLabel(value)}"`;
    let total = 0;
    const lines = counts.map((count, at) => {
      total += count;
      return `${name}_bucket{le="${buckets[at] ?? '+Inf'}",${shown}} ${total}`;
    });
    return [...lines, `${name}_sum{${shown}} ${sum}`, `${name}_count{${shown}} ${total}`];
  };
  return {
    observe(value, seconds) {
      const into = observed.get(value) ?? begin(value);
      let at = 0;
      for (const bound of buckets) {
        if (seconds <= bound) break;
        at++;
      }
      into.counts[at] = (into.counts[at] ?? 0) + 1;
      into.sum += seconds;
    },
    text: () =>
      [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} histogram`,
        ...[...observed].flatMap(([value, about]) => series(value, about)),
      ].join('\n'),
  };
}

/** Of a label's value (Prometheus' text format 0.0.4). */
function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
