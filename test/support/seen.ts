import { createClient, type TestClient } from './client.ts';
import { authority } from './keys.ts';
import { createSimulator, type Simulator, type SimulatorOptions } from './simulator.ts';

/** A repository at version 3 of everything, and a client that has seen it. */
export async function seen(options: SimulatorOptions = {}): Promise<{ simulator: Simulator; client: TestClient }> {
  const simulator = createSimulator({
    ...options,
    fill: (r) => {
      r.delegate('targets', { name: 'a', authority: authority(['a']), paths: ['*'] });
      options.fill?.(r);
    },
  });
  for (let i = 0; i < 2; i++) {
    simulator.repository.touch('targets');
    simulator.repository.touch('a');
    simulator.repository.publish();
  }
  const client = createClient(simulator);
  await client.refresh();
  return { simulator, client };
}

/** An edit that sets the version. */
export function versioned(version: number): (document: { version: number }) => void {
  return (document) => {
    document.version = version;
  };
}
