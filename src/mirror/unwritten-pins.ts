import type { Pins } from '../ports/index-state.ts';

/** What is looked into and perhaps turned down pins nothing. */
export function unwritten({ of, read }: Pins): Pins {
  const nothing = async (): Promise<void> => undefined;
  const rest = { confirm: nothing, addCoreMetadata: nothing, replace: nothing, replaceAll: nothing };
  return { of, read, add: of, mark: of, offered: async () => ({ removed: [], returned: [] }), ...rest };
}
