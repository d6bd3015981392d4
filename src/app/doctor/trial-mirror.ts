import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { createListener } from '../../http/listener.ts';
import { type RunningServer, startServer } from '../../http/server.ts';
import type { Event } from '../../ports/events.ts';
import { type Composition, compose } from '../compose.ts';
import { combinedOf } from '../running/combined.ts';
import { defaultIndexOf, servedIndex } from '../server-files.ts';

/**
 * This configuration's indexes with nothing held, on loopback, for as long as they are looked at: without Redis, buckets, a fleet or jobs. What it
 * writes lies in a folder of its own, and goes with it.
 */
export class TrialMirror {
  readonly composition: Composition;
  readonly folder: string;
  readonly #events: readonly Event[];
  readonly #server: RunningServer;

  private constructor(parts: {
    composition: Composition;
    folder: string;
    events: readonly Event[];
    server: RunningServer;
  }) {
    this.composition = parts.composition;
    this.folder = parts.folder;
    this.#events = parts.events;
    this.#server = parts.server;
  }

  /** Throws Refusal where a start would. */
  static async start(given: Config): Promise<TrialMirror> {
    const folder = await mkdtemp(join(tmpdir(), 'verbatim-doctor-'));
    const events: Event[] = [];
    let composition: Composition | undefined;
    try {
      const config = onItsOwn(given, join(folder, 'data'));
      composition = await compose({ config, emit: (event) => void events.push(event), upkeep: true });
      const { indexes } = composition;
      const server = await startServer({
        listener: createListener({
          indexes: indexes.map((index) => servedIndex(index, { config, access: undefined, bucket: undefined })),
          combined: combinedOf(config, composition),
          defaultIndex: defaultIndexOf(config),
        }),
        host: '127.0.0.1',
        port: 0,
      });
      return new TrialMirror({ composition, folder, events, server });
    } catch (error) {
      await composition?.close();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** What of it was not as it must be, so far. */
  refused(index: string): readonly Event<'rejected'>[] {
    return this.#events.flatMap((event) => (event.name === 'rejected' && event.index === index ? [event] : []));
  }

  /** What was found worth a line of it, so far. */
  noted(index: string): readonly Event<'noted'>[] {
    return this.#events.flatMap((event) => (event.name === 'noted' && event.index === index ? [event] : []));
  }

  /** What an installer is given as its index. */
  simple(index: string): string {
    return `${this.#server.url}/${index}/simple/`;
  }

  async close(): Promise<void> {
    await this.#server.close();
    await this.composition.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function onItsOwn(config: Config, data: string): Config {
  return {
    ...config,
    data,
    seal: undefined,
    fleet: undefined,
    redis: undefined,
    blobs: undefined,
    sync: undefined,
    cache: { ...config.cache, scrubDays: 0 },
    server: { ...config.server, auth: undefined, tls: undefined, publicUrl: undefined, links: 'relative' },
  };
}
