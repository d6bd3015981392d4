import type { Repository } from '../../src/repository/repository.ts';
import { createClient, type TestClient } from './client.ts';
import { authority } from './keys.ts';
import { createSimulator, type SimulatorOptions } from './simulator.ts';

export const content = (text: string) => Buffer.from(text);

export async function refreshed(fill: (repository: Repository) => void, options: SimulatorOptions = {}) {
  const simulator = createSimulator({ ...options, fill });
  const client = createClient(simulator);
  await client.refresh();
  simulator.reads.length = 0;
  return { simulator, client };
}

/** A delegation for every path, and a target of that role's own. */
export function role(
  repository: Repository,
  from: string,
  name: string,
  paths = ['*', '*/*'],
  terminating = false,
): void {
  repository.delegate(from, { name, authority: authority([name]), paths, terminating });
}

export async function found(client: TestClient, path: string) {
  const { target, listedBy, visited } = await client.find(path);
  return {
    by: target && (listedBy?.by?.name ?? 'targets'),
    visited: visited.map((visit) => visit.by?.name ?? 'targets'),
    length: target?.length,
  };
}
