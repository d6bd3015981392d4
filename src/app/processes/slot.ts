import type { Socket } from 'node:net';
import type { News } from '../../ports/peers.ts';
import type { Readings } from '../../telemetry/several.ts';
import { startProcess, type WorkerProcess } from './channel.ts';
import type { Seat } from './dispatcher.ts';
import { type Beginning, type Readiness, sharedMs, type ToSupervisor, type ToWorker } from './messages.ts';
import { Questions } from './questions.ts';

/** A worker that ran for so long has started well: what ends it later is no reason to wait. Milliseconds. */
const RAN_WELL_MS = 10_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** The same of one that answered before it ended: whoever ends it again and again is not to take half the server away. */
const LONGEST_AFTER_ANSWERS_MS = 1000;

export interface SlotEvents {
  /** What a worker starts with, as of now. */
  beginning(number: number): Beginning;
  onReady(slot: Slot, readiness: Readiness): void;
  /** Nothing new is for it any more, because it ends. */
  onLeave(slot: Slot): void;
  /** `again`: milliseconds until it is replaced; undefined where it is not. `lines`: what it said of that. */
  onEnd(slot: Slot, how: string, again: number | undefined, lines: readonly string[]): void;
  onMessage(slot: Slot, message: ToSupervisor): void;
}

/** One worker, and whoever replaces it. */
export class Slot implements Seat {
  readonly number: number;
  readonly #events: SlotEvents;
  readonly #scrapes = new Questions<Readings>();
  readonly #news = new Questions<void>();
  readonly #commands = new Questions<string>();
  #process: WorkerProcess | undefined;
  #startedAt = 0;
  #heardAt = 0;
  #isReady = false;
  #hasAnswered = false;
  #isWanted = true;
  #quickEnds = 0;
  #timer: NodeJS.Timeout | undefined;
  #lines: readonly string[] = [];
  #over = Promise.withResolvers<void>();
  open = 0;

  constructor(number: number, events: SlotEvents) {
    this.number = number;
    this.#events = events;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** It answers. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Milliseconds since it last said anything. */
  get silentFor(): number {
    return sharedMs() - this.#heardAt;
  }

  start(): void {
    this.#timer = undefined;
    this.#startedAt = this.#heardAt = sharedMs();
    this.#lines = [];
    this.#hasAnswered = false;
    this.open = 0;
    this.#over = Promise.withResolvers();
    const started = startProcess({
      onMessage: (message) => this.#hear(message),
      onEnd: (how) => this.#ended(how),
    });
    this.#process = started;
    started.send({ kind: 'begin', beginning: this.#events.beginning(this.number) });
  }

  give(id: number, sentAt: number, connection: Socket): void {
    this.#process?.send({ kind: 'connection', id, sentAt }, connection);
  }

  send(message: ToWorker): boolean {
    return this.#process?.send(message) ?? false;
  }

  /** What it counts and measures now. Rejects where it ends first. */
  scrape(): Promise<Readings> {
    return this.#scrapes.ask((id) => this.send({ kind: 'scrape', id }));
  }

  /** Resolves when it has followed what another tells. Rejects where it ends first. */
  tell(news: News): Promise<void> {
    return this.#news.ask((id) => this.send({ kind: 'news', id, news }));
  }

  /** The line that answers a command's. Rejects where it ends first. */
  command(line: string): Promise<string> {
    return this.#commands.ask((id) => this.send({ kind: 'command', id, line }));
  }

  /** It is not replaced any more, and ends in order. Resolves when it is gone; `graceMs` after which it is killed. */
  async stop(graceMs: number): Promise<void> {
    this.#isWanted = false;
    clearTimeout(this.#timer);
    const running = this.#process;
    if (running === undefined) return;
    running.send({ kind: 'stop' });
    const killing = setTimeout(() => running.kill('SIGKILL'), graceMs);
    await this.#over.promise;
    clearTimeout(killing);
  }

  kill(): void {
    this.#isWanted = false;
    this.#process?.kill('SIGKILL');
  }

  #hear(message: ToSupervisor): void {
    this.#heardAt = sharedMs();
    switch (message.kind) {
      case 'ready':
        this.#isReady = true;
        this.#hasAnswered = true;
        this.#events.onReady(this, message.readiness);
        break;
      case 'failed':
        this.#lines = message.lines;
        break;
      case 'stopping':
        this.#leave();
        break;
      case 'open':
        this.open = message.open;
        break;
      case 'connection':
        this.open = message.open;
        this.#events.onMessage(this, message);
        break;
      case 'followed':
        this.#news.answered(message.id);
        break;
      case 'done':
        this.#commands.answered(message.id, message.line);
        break;
      case 'scraped':
        this.#events.onMessage(this, message);
        this.#scrapes.answered(message.id, message.readings);
        break;
      default:
        this.#events.onMessage(this, message);
    }
  }

  #leave(): void {
    if (!this.#isReady) return;
    this.#isReady = false;
    this.#events.onLeave(this);
  }

  #ended(how: string): void {
    const longest = this.#hasAnswered ? LONGEST_AFTER_ANSWERS_MS : LONGEST_PAUSE_MS;
    this.#leave();
    this.#process = undefined;
    this.#scrapes.ended();
    this.#commands.ended();
    this.#news.ended();
    this.#quickEnds = sharedMs() - this.#startedAt >= RAN_WELL_MS ? 0 : this.#quickEnds + 1;
    const again = this.#isWanted ? pauseAfter(this.#quickEnds, longest) : undefined;
    if (again !== undefined) this.#timer = setTimeout(() => this.start(), again);
    this.#events.onEnd(this, how, again, this.#lines);
    this.#over.resolve();
  }
}

/** Milliseconds before whoever ended soon, so often in a row, is replaced: the first at once, later ones after longer, up to `longest`. */
export function pauseAfter(quickEnds: number, longest: number): number {
  return quickEnds <= 1 ? 0 : Math.min(longest, FIRST_PAUSE_MS * 2 ** (quickEnds - 2));
}
