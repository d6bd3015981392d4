import type { SigningKey } from '../../src/bundle/format/keys.ts';
import type { ImportConfig, ImportKey, UnsignedIndexConfig } from '../../src/config/config.ts';
import { createClock, DAY } from '../support/clock.ts';
import { Sender, signingKey } from '../support/sender.ts';
import { type Mirror, type MirrorOptions, makeScratch, NOW, startMirror, unsignedConfig } from './mirror.ts';

export interface ImportRigOptions extends Pick<MirrorOptions, 'maxBytes' | 'offlinePages' | 'seal' | 'advisories'> {
  readonly index?: Partial<UnsignedIndexConfig>;
  readonly import?: Partial<ImportConfig>;
}

/** A mirror that bundles bring to, and whoever sends them. */
export interface ImportRig extends Mirror {
  readonly sender: Sender;
  /** Of the sender. */
  readonly key: SigningKey;
}

export const IMPORT: ImportConfig = { keys: [], maxAge: 30, generations: 2, scan: undefined };

export function importKey(name: string, key: SigningKey, until?: number): ImportKey {
  return { name, public: { hex: key.public }, until };
}

/** An index that signs nothing; upstream stood by the first bundle ten days ago. */
export async function startImportRig(options: ImportRigOptions = {}): Promise<ImportRig> {
  const key = await signingKey();
  const clock = createClock(NOW);
  const keys = [importKey('outside', key)];
  const indexes = () => [
    unsignedConfig({
      upstream: 'https://main.invalid/',
      contentAddressed: false,
      import: { ...IMPORT, keys, ...options.import },
      ...options.index,
    }),
  ];
  const mirror = await startMirror({ ...options, scratch: await makeScratch(), clock, indexes });
  return { ...mirror, key, sender: new Sender([key], NOW - 10 * DAY) };
}
