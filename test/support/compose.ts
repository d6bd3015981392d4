import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A service of docker-compose.yml, as far as tests read it. */
export interface Service {
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly image?: string;
  readonly profiles?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly stop_grace_period?: string;
}

/** By name. */
export async function readServices(): Promise<Readonly<Record<string, Service>>> {
  const text = await readFile(`${ROOT}/docker-compose.yml`, 'utf8');
  const { services } = parse(text, { merge: true }) as { readonly services: Readonly<Record<string, Service>> };
  return services;
}
