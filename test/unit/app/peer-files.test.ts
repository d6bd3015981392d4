import { expect, it } from 'vitest';
import { peersOf } from '../../../src/app/fleet/peer-files.ts';
import { noEvents } from '../../../src/app/no-events.ts';
import { loadConfig } from '../../../src/config/load.ts';

const env = { VERBATIM_FLEET_PEER: 'http://10.0.0.1:3141,http://10.0.0.2', VERBATIM_SEAL_KEY_FILE: 'seal.key' };

it('replicas that share no seal key do not come up', () => {
  const { seal: _, ...config } = loadConfig({ env });
  expect(config.fleet).toEqual({ state: undefined, peers: ['http://10.0.0.1:3141', 'http://10.0.0.2'] });
  expect(() => peersOf(config, noEvents)).toThrow(/seal key .* fleet\.peers/);
});

it('a mirror that names no replicas, or only shares its state, asks nobody', () => {
  const { fleet: _, ...config } = loadConfig({ env });
  expect(peersOf(config, noEvents)).toBeUndefined();
  expect(peersOf({ ...config, fleet: { state: 's3://bucket/a', peers: [] } }, noEvents)).toBeUndefined();
});
