import { createServer, type Server } from 'node:net';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import { policiesAgain, withPolicies } from '../../config/policy/again.ts';
import { openVolume, type Volume } from '../../disk/volume.ts';
import { createListener } from '../../http/listener.ts';
import { listen, portOf, type RunningServer, startServer, urlOf } from '../../http/server.ts';
import type { Condition } from '../../ports/conditions.ts';
import type { Emit } from '../../ports/events.ts';
import { createEmit } from '../../telemetry/events.ts';
import type { Log } from '../../telemetry/log.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { VERSION } from '../../version.ts';
import { createClock } from '../clock.ts';
import { listenForCommands } from '../control/for-commands.ts';
import type { ControlSocket } from '../control/listen.ts';
import { Availability, NO_WORKER } from '../health/availability.ts';
import { createHealth } from '../health/health.ts';
import type { Facts } from '../health/verdict.ts';
import { logOf } from '../running/log.ts';
import type { MirrorOptions, RunningMirror } from '../running/mirror.ts';
import { aboutIndexes } from '../watch-composition.ts';
import { createCommonHandle, statusOfAll } from './common-handle.ts';
import { CommonMetrics } from './common-metrics.ts';
import type { Supervising } from './common-status.ts';
import { Dispatcher } from './dispatcher.ts';
import { dividedConfig, workersOf } from './divide.ts';
import { Leases } from './leases.ts';
import type { Readiness, ToSupervisor } from './messages.ts';
import { Slot } from './slot.ts';
import { spread } from './spread.ts';

/** A worker whose grace is over cuts its connections and closes its store in this time, or is killed. Milliseconds. */
const CLOSING_MS = 10_000;

/** A server of several processes, as one. */
export type RunningServers = Pick<
  RunningMirror,
  'url' | 'defaultIndex' | 'log' | 'metricsUrl' | 'conditions' | 'reload' | 'leave' | 'close'
> & {
  readonly indexes: Readiness['indexes'];
  /** Ends every process at once. */
  kill(): void;
};

/**
 * Listens, and starts the workers that answer: the first alone, for it may carry the data directory over and carries out what the
 * operator said of the start. Throws where that one cannot start.
 */
export async function startServers(options: MirrorOptions): Promise<RunningServers> {
  const supervisor = new Supervisor(options);
  try {
    await supervisor.start();
    return supervisor;
  } catch (error) {
    await supervisor.close();
    throw error;
  }
}

class Supervisor implements RunningServers {
  readonly #options: MirrorOptions;
  readonly log: Log;
  readonly #emit: Emit;
  readonly #metrics: CommonMetrics<Slot>;
  readonly #slots: readonly Slot[];
  readonly #dispatcher: Dispatcher;
  readonly #leases: Leases;
  readonly #listening: Server;
  readonly #first = Promise.withResolvers<Readiness>();
  #config: Config;
  #newTrust: MirrorOptions['newTrust'];
  #admin: RunningServer | undefined;
  #volume: Volume | undefined;
  #control: ControlSocket | undefined;
  readonly #startedAt = createClock(undefined).now();
  readonly #availability = new Availability();
  #isLeaving = false;
  #readiness: Readiness = { indexes: [], defaultIndex: '', conditions: [] };
  url = '';

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.log = options.log ?? logOf(options.config);
    const workers = workersOf(options.config);
    this.#config = dividedConfig(options.config, workers);
    this.#newTrust = options.newTrust;
    this.#dispatcher = new Dispatcher(options.config.server.maxConnections);
    // Connections are handed on as they are: nothing of them is read here.
    this.#listening = createServer({ pauseOnConnect: true, noDelay: true }, (connection) =>
      this.#dispatcher.offer(connection),
    );
    this.#leases = new Leases((key) => {
      for (const slot of this.#slots) slot.send({ kind: 'free', key });
    });
    this.#slots = Array.from({ length: workers }, (_, at) => new Slot(at + 1, this.#events()));
    const own = createMetrics({ indexes: aboutIndexes(options.config), version: VERSION });
    this.#emit = createEmit(this.log, own);
    own.watchConnections(() => {
      const { waiting, refused } = this.#dispatcher.counts;
      return { open: waiting, limit: 0, refused, closedForRoom: 0 };
    });
    own.watchWorkers(() => ({ configured: workers, answering: this.#answering.length }));
    this.#metrics = new CommonMetrics({ own, processes: () => this.#answering });
  }

  get #answering(): readonly Slot[] {
    return this.#slots.filter((slot) => slot.isReady);
  }

  get indexes(): Readiness['indexes'] {
    return this.#readiness.indexes;
  }

  get defaultIndex(): string {
    return this.#readiness.defaultIndex;
  }

  get conditions(): readonly Condition[] {
    return this.#readiness.conditions;
  }

  get metricsUrl(): string | undefined {
    return this.#admin && `${this.#admin.url}/metrics`;
  }

  async start(): Promise<void> {
    const { host, port, tls } = this.#options.config.server;
    await listen(this.#listening, host, port);
    this.url = urlOf(host, portOf(this.#listening) ?? port, tls !== undefined);
    const [first, ...others] = this.#slots;
    first?.start();
    this.#readiness = await this.#first.promise;
    // Carried out by the first.
    this.#newTrust = undefined;
    await this.#listenForOperators();
    await this.#listenForCommands();
    for (const slot of others) slot.start();
  }

  readonly reload = (): void => {
    this.#readPoliciesAgain();
    for (const slot of this.#slots) slot.send({ kind: 'reload' });
  };

  readonly leave = (): void => {
    this.#isLeaving = true;
    this.#availability.leave();
    for (const slot of this.#slots) slot.send({ kind: 'leave' });
  };

  readonly close = async (): Promise<void> => {
    this.#availability.leave();
    this.#listening.close();
    const { grace } = this.#options.config.server;
    await Promise.all(this.#slots.map((slot) => slot.stop(grace * 1000 + CLOSING_MS)));
    this.#dispatcher.close();
    this.#leases.close();
    await this.#control?.close();
    await this.#volume?.close();
    await this.#admin?.close();
    await this.log.flush();
  };

  kill(): void {
    for (const slot of this.#slots) slot.kill();
  }

  /** One answer for all processes. */
  async #listenForOperators(): Promise<void> {
    const { admin } = this.#options;
    if (admin === undefined) return;
    const metrics = this.#metrics;
    const listener = createListener({
      defaultIndex: this.defaultIndex,
      indexes: [],
      notReady: () => [...this.#availability.reasons, ...(this.#answering.length === 0 ? [NO_WORKER] : [])],
      health: createHealth({ config: this.#options.config, facts: () => this.#facts(), startedAt: this.#startedAt }),
      metrics: { contentType: metrics.contentType, text: () => metrics.text() },
      onFault: (error) => this.#emit({ name: 'faulted', at: 'answer', error }),
    });
    this.#admin = await startServer({ listener, ...admin });
  }

  /** Commands speak to all processes at once. */
  async #listenForCommands(): Promise<void> {
    const { config } = this.#options;
    this.#volume = await openVolume(config.data, { allowFuse: config.allowFuse });
    const handle = createCommonHandle(
      () => this.#answering,
      () => this.#supervising,
    );
    this.#control = await listenForCommands({ config, volume: this.#volume, emit: this.#emit, log: this.log }, handle);
  }

  get #supervising(): Supervising {
    return {
      pid: process.pid,
      version: VERSION,
      startedAt: this.#startedAt,
      workers: { configured: this.#slots.length, answering: this.#answering.length },
      connections: this.#dispatcher.counts,
    };
  }

  /** For workers that begin after this. What is unusable they say themselves. */
  #readPoliciesAgain(): void {
    try {
      this.#config = withPolicies(this.#config, policiesAgain(this.#config));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }

  async #facts(): Promise<Facts> {
    return (await statusOfAll(this.#answering, this.#supervising)).report;
  }

  #events(): ConstructorParameters<typeof Slot>[1] {
    return {
      beginning: (number) => ({
        version: VERSION,
        config: this.#config,
        newTrust: this.#newTrust,
        number,
        url: this.url,
      }),
      onReady: (slot, readiness) => {
        this.#first.resolve(readiness);
        if (this.#isLeaving) slot.send({ kind: 'leave' });
        this.#dispatcher.add(slot);
        this.#emit({ name: 'worker', worker: slot.number, pid: slot.pid });
      },
      onLeave: (slot) => this.#dispatcher.remove(slot),
      onEnd: (slot, how, again, lines) => this.#onEnd(slot, how, again, lines),
      onMessage: (slot, message) => this.#hear(slot, message),
    };
  }

  #hear(slot: Slot, message: ToSupervisor): void {
    switch (message.kind) {
      case 'connection':
        this.#dispatcher.answered(message.id, message.taken);
        break;
      case 'totals':
      case 'scraped':
        this.#metrics.heard(slot, message.readings);
        break;
      case 'news':
        void this.#spread(slot, message);
        break;
      case 'take':
      case 'watch':
      case 'release':
        this.#leases.hear(slot, message);
        break;
    }
  }

  async #spread(slot: Slot, { id, news }: Extract<ToSupervisor, { kind: 'news' }>): Promise<void> {
    await spread(
      news,
      this.#slots.filter((other) => other !== slot && other.pid !== undefined),
    );
    slot.send({ kind: 'told', id });
  }

  #onEnd(slot: Slot, how: string, again: number | undefined, lines: readonly string[]): void {
    this.#leases.leave(slot);
    this.#metrics.ended(slot);
    this.#first.reject(cannotStart(lines, how));
    if (again === undefined) return;
    const said = lines.length === 0 ? '' : `: ${lines.join(' ')}`;
    this.#emit({ name: 'worker', worker: slot.number, pid: undefined, ended: { why: `(${how})${said}`, again } });
  }
}

/** In the words of the worker, which name their reason. */
function cannotStart(lines: readonly string[], how: string): Error {
  return new Error(lines.length === 0 ? `The first worker ended (${how}) before it answered.` : lines.join(' '));
}
