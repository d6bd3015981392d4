import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SignedIndexConfig } from '../../src/config/config.ts';
import { createClock, type TestClock } from '../support/clock.ts';
import { startUpstream, type TestUpstream, type UpstreamServerOptions } from '../support/upstream.ts';
import { type Mirror, type MirrorOptions, makeScratch, NOW, signedConfig, startMirror } from './mirror.ts';

export interface MirrorRigOptions extends Pick<MirrorOptions, 'upstreamLimits' | 'maxBytes' | 'redis' | 'seal'> {
  /** What upstream has, by URL path without its leading slash. */
  readonly files: UpstreamServerOptions['files'];
  readonly handler?: UpstreamServerOptions['handler'];
  readonly root: Uint8Array;
  readonly clock?: TestClock;
  /** The time it is upstream; by default the time it is here. */
  readonly time?: UpstreamServerOptions['time'];
  /** Beside upstream, root and name; may need the upstream's URL. */
  readonly index?: Partial<SignedIndexConfig> | ((upstream: string) => Partial<SignedIndexConfig>);
}

/** A mirror of a signed index, between a misbehaving upstream and whoever asks. */
export interface MirrorRig extends Omit<Mirror, 'start'> {
  readonly upstream: TestUpstream;
  readonly start: (how?: { readonly root?: Uint8Array; readonly newTrust?: string }) => Promise<void>;
}

/** Starts upstream and a mirror before it; `close` frees everything. */
export async function startMirrorRig(options: MirrorRigOptions): Promise<MirrorRig> {
  const { clock = createClock(NOW), time = clock.now, files, handler, index } = options;
  const upstream = await startUpstream({ files, handler, time });
  const scratch = await makeScratch();
  const root = join(scratch, 'root.json');
  await writeFile(root, options.root);
  const given = typeof index === 'function' ? index(upstream.url) : index;
  const indexes = () => [signedConfig({ upstream: upstream.url, root, ...given })];
  const mirror = await startMirror({ ...options, scratch, clock, indexes });
  return {
    ...mirror,
    upstream,
    async start({ root: other, newTrust } = {}) {
      if (other !== undefined) await writeFile(root, other);
      await mirror.start(newTrust);
    },
    async close() {
      await mirror.close();
      await upstream.close();
    },
  };
}
