import { readdir, readFile } from 'node:fs/promises';

/** A dashboard of grafana/, as far as tests read it. */
export interface Dashboard {
  readonly title: string;
  readonly description: string;
  readonly editable: boolean;
  readonly templating: { readonly list: readonly { readonly name: string; readonly query?: string }[] };
  readonly panels: readonly Panel[];
}

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly description: string;
  readonly datasource: unknown;
  readonly fieldConfig: {
    readonly defaults: {
      readonly unit: string;
      readonly thresholds: { readonly steps: readonly { readonly color: string }[] };
    };
  };
  readonly targets: readonly { readonly expr: string; readonly datasource: unknown }[];
}

const FOLDER = new URL('../../grafana/dashboards/', import.meta.url);

export async function readDashboards(): Promise<readonly Dashboard[]> {
  const names = (await readdir(FOLDER)).sort();
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(new URL(name, FOLDER), 'utf8')) as Dashboard));
}
