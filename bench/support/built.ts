// The built program's own modules, for children that measure a part of it. Their types are those of the source.

/** A module of dist by its path in src, without the extension. */
function built<Module>(path: string): Promise<Module> {
  return import(new URL(`../../dist/${path}.js`, import.meta.url).href);
}

export const builtAccept = () => built<typeof import('../../src/tuf/accept.ts')>('tuf/accept');
export const builtStages = () => built<typeof import('../../src/tuf/stages.ts')>('tuf/stages');
export const builtTrustedRoot = () => built<typeof import('../../src/tuf/trusted-root.ts')>('tuf/trusted-root');
export const builtSliced = () => built<typeof import('../../src/tuf/sliced.ts')>('tuf/sliced');
export const builtYield = () => built<typeof import('../../src/async/yield.ts')>('async/yield');
