import type { Socket } from 'node:net';
import type { News } from '../../ports/peers.ts';
import { VERSION } from '../../version.ts';
import { keepHeapSmall } from '../heap.ts';
import type { RunningMirror } from '../running/mirror.ts';
import { startMirror } from '../start.ts';
import { errorLines } from '../words.ts';
import { openChannel, type SupervisorChannel } from './channel.ts';
import { LATE_MS } from './dispatcher.ts';
import { type Beginning, sharedMs, type ToWorker } from './messages.ts';
import { WorkerPeers } from './peers.ts';
import { WorkerLease } from './worker-lease.ts';

/** How often a worker says that it lives, and what it has open, however little changes. Milliseconds. */
const PULSE_MS = 250;

/** How often it says what it has counted: what was counted since is lost where it is killed. Milliseconds. */
const TOTALS_MS = 2000;

/** Runs until its supervisor says that it ends, or is gone. False where no supervisor started it. */
export async function runWorker(): Promise<boolean> {
  keepHeapSmall();
  const worker = new Worker();
  return worker.run();
}

class Worker {
  readonly #ended = Promise.withResolvers<void>();
  readonly #begun = Promise.withResolvers<Beginning>();
  readonly #lease = new WorkerLease((message) => this.#channel?.send(message) ?? false);
  #channel: SupervisorChannel | undefined;
  #mirror: RunningMirror | undefined;
  #peers: WorkerPeers | undefined;
  /** What others told before there was anything that could follow it. */
  #early: News[] | undefined = [];
  #isStopping = false;
  #drainMs = 0;
  #telling: NodeJS.Immediate | undefined;

  async run(): Promise<boolean> {
    this.#channel = openChannel({
      onMessage: (message, connection) => this.#hear(message, connection),
      onGone: () => this.#stop(),
    });
    if (this.#channel === undefined) return false;
    // A terminal tells all its processes: the supervisor alone decides what that means.
    process.on('SIGINT', () => undefined).on('SIGHUP', () => undefined);
    // Whoever ends a service may tell all its processes at once: each serves as long as the whole server does.
    process.on('SIGTERM', () => this.#leave());
    try {
      await this.#serve(this.#channel);
    } finally {
      this.#channel.close();
    }
    return true;
  }

  async #serve(channel: SupervisorChannel): Promise<void> {
    const beginning = await Promise.race([this.#begun.promise, this.#ended.promise]);
    if (beginning === undefined) return;
    const timers = [setInterval(() => this.#tell(), PULSE_MS), setInterval(() => void this.#tellTotals(), TOTALS_MS)];
    try {
      if (beginning.version !== VERSION)
        throw new Error(
          `the program was replaced by version ${VERSION} while ${beginning.version} of it runs: start the server again`,
        );
      const { config, newTrust, url, number } = beginning;
      this.#drainMs = (config.server.drain ?? 0) * 1000;
      const lease = this.#lease;
      const peers = new WorkerPeers({ lease, number, send: (message) => channel.send(message) });
      this.#peers = peers;
      const mirror = await startMirror({ config, newTrust, behind: url, peers });
      await this.#catchUp(mirror);
      this.#mirror = mirror;
      channel.send({
        kind: 'ready',
        readiness: {
          indexes: mirror.indexes.map(({ name, evidence }) => ({ name, evidence })),
          defaultIndex: mirror.defaultIndex,
          conditions: mirror.conditions,
        },
      });
      await this.#ended.promise;
      await mirror.close();
      await this.#tellTotals();
    } catch (error) {
      channel.send({ kind: 'failed', lines: errorLines(error) });
      process.exitCode = 1;
    } finally {
      this.#peers?.close();
      for (const timer of timers) clearInterval(timer);
    }
  }

  #hear(message: ToWorker, connection: Socket | undefined): void {
    switch (message.kind) {
      case 'begin':
        this.#begun.resolve(message.beginning);
        break;
      case 'connection':
        this.#take(message, connection);
        break;
      case 'taken':
      case 'free':
        this.#lease.hear(message);
        break;
      case 'news':
        void this.#follow(message);
        break;
      case 'told':
        this.#peers?.followed(message.id);
        break;
      case 'scrape':
        void this.#scraped(message.id);
        break;
      case 'command':
        void this.#command(message);
        break;
      case 'reload':
        this.#mirror?.reload();
        break;
      case 'leave':
        this.#mirror?.leave();
        break;
      case 'stop':
        this.#stop();
        break;
      default:
        message satisfies never;
    }
  }

  /** Nobody is answered before that. */
  async #catchUp(mirror: RunningMirror): Promise<void> {
    for (let news = this.#early?.shift(); news !== undefined; news = this.#early?.shift()) await mirror.follow(news);
    this.#early = undefined;
  }

  async #follow({ id, news }: Extract<ToWorker, { kind: 'news' }>): Promise<void> {
    if (this.#early === undefined) await this.#mirror?.follow(news);
    else this.#early.push(news);
    this.#channel?.send({ kind: 'followed', id });
  }

  /** One that comes late is another's by now: it is closed here, which ends it for nobody else. */
  #take({ id, sentAt }: Extract<ToWorker, { kind: 'connection' }>, connection: Socket | undefined): void {
    const isOurs = !this.#isStopping && sharedMs() - sentAt < LATE_MS;
    const taken = connection === undefined || (isOurs && this.#mirror?.take(connection) === true);
    if (taken) connection?.once('close', () => this.#tellSoon());
    else connection?.destroy();
    this.#channel?.send({ kind: 'connection', id, taken, open: this.#mirror?.open ?? 0 });
  }

  /** Who closes many connections says so once. */
  #tellSoon(): void {
    this.#telling ??= setImmediate(() => {
      this.#telling = undefined;
      this.#tell();
    });
  }

  #tell(): void {
    this.#channel?.send({ kind: 'open', open: this.#mirror?.open ?? 0 });
  }

  async #tellTotals(): Promise<void> {
    const readings = await this.#mirror?.readings.totals();
    if (readings !== undefined) this.#channel?.send({ kind: 'totals', readings });
  }

  async #scraped(id: number): Promise<void> {
    const readings = (await this.#mirror?.readings.all()) ?? [];
    this.#channel?.send({ kind: 'scraped', id, readings });
  }

  async #command({ id, line }: Extract<ToWorker, { kind: 'command' }>): Promise<void> {
    const mirror = this.#mirror;
    // The supervisor asks who answers.
    if (mirror !== undefined) this.#channel?.send({ kind: 'done', id, line: await mirror.answer(line) });
  }

  #leave(): void {
    this.#mirror?.leave();
    if (this.#drainMs === 0) this.#stop();
    else setTimeout(() => this.#stop(), this.#drainMs).unref();
  }

  #stop(): void {
    if (!this.#isStopping) this.#channel?.send({ kind: 'stopping' });
    this.#isStopping = true;
    this.#ended.resolve();
  }
}
