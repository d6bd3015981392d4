import type { Config } from '../../config/config.ts';
import type { Emit } from '../../ports/events.ts';
import type { SharedRedis } from './redis.ts';

/** Its client is loaded where one is configured, and by nobody else. */
export async function loadRedis(config: Config, emit: Emit): Promise<SharedRedis | undefined> {
  if (config.redis === undefined) return undefined;
  const { openRedis } = await import('./redis.ts');
  return openRedis(config, config.redis, emit);
}
