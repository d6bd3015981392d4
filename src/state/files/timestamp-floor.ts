import { z } from 'zod';
import type { Durable } from '../../disk/durable.ts';
import type { KeptTimestamp } from '../../ports/index-state.ts';
import { createNumbered, unreadable } from './numbered.ts';
import type { Guard } from './seal.ts';

const Floor = z.strictObject({
  rootVersion: z.int().positive(),
  version: z.int().positive(),
  base64: z.string().max(32 * 1024),
});

/** The newest timestamp that was believed, whether or not what it announces ever came. */
export function createTimestampFloor(durable: Durable, directory: string, what: string, guard: Guard | undefined) {
  const numbered = createNumbered(durable, directory, what, guard);

  const load = async () => {
    const found = await numbered.read();
    if (found === undefined) return undefined;
    const parsed = Floor.safeParse(found.state);
    if (!parsed.success) throw unreadable(directory, what, parsed.error);
    return { number: found.number, floor: parsed.data };
  };

  return {
    async read(): Promise<KeptTimestamp | undefined> {
      const floor = (await load())?.floor;
      return (
        floor && {
          rootVersion: floor.rootVersion,
          version: floor.version,
          bytes: Buffer.from(floor.base64, 'base64'),
        }
      );
    },
    /** Does nothing where another process has kept this one or a newer one. */
    async keep({ rootVersion, version, bytes }: KeptTimestamp): Promise<void> {
      const base64 = Buffer.from(bytes).toString('base64');
      for (;;) {
        const before = await load();
        const held = before?.floor;
        if (held !== undefined && (held.rootVersion > rootVersion || held.base64 === base64)) return;
        if (held?.rootVersion === rootVersion && held.version >= version) return;
        if ((await numbered.follow(before?.number ?? 0, { rootVersion, version, base64 })) !== undefined) return;
      }
    },
  };
}
