import type { Socket } from 'node:net';
import { sharedMs } from './messages.ts';

/** Connections that a worker was given and has not said to have: node hands them over one at a time. */
const MOST_GIVEN = 2;
/** A worker leaves a connection that it was given so long ago to another … */
export const LATE_MS = 2000;
/** … to whom it is given when the worker has been silent for so long. Milliseconds. */
const TAKEN_BACK_MS = 2 * LATE_MS;
const LOOK_EVERY_MS = 500;

/** A worker that connections may be given to. */
export interface Seat {
  /** Connections that it has open. */
  readonly open: number;
  give(id: number, sentAt: number, connection: Socket): void;
}

interface Given {
  readonly connection: Socket;
  readonly seat: Seat;
  readonly at: number;
  /** It was given to another since, or its client has left. */
  isPast: boolean;
}

/**
 * Gives each connection to the worker that has fewest. This process keeps it until the worker says that it has it: of one that
 * ends or stands still before that, another has it.
 */
export class Dispatcher {
  readonly #seats = new Map<Seat, { given: number; usedAt: number }>();
  readonly #given = new Map<number, Given>();
  readonly #waiting = new Set<Socket>();
  readonly #most: number;
  readonly #timer: NodeJS.Timeout;
  #ids = 0;
  #uses = 0;
  #refused = 0;

  /** `most`: connections that may wait while no worker takes any. */
  constructor(most: number) {
    this.#most = most;
    this.#timer = setInterval(() => setImmediate(() => this.#takeBack()), LOOK_EVERY_MS).unref();
  }

  /** Connections that no worker has yet, and those that were refused because too many waited. */
  get counts(): { readonly waiting: number; readonly refused: number } {
    return { waiting: this.#waiting.size + this.#given.size, refused: this.#refused };
  }

  offer(connection: Socket): void {
    if (this.#waiting.size >= this.#most) {
      this.#refused++;
      connection.destroy();
      return;
    }
    connection.on('error', () => undefined);
    this.#waiting.add(connection);
    this.#dispatch();
  }

  /** May be given connections from now on. */
  add(seat: Seat): void {
    this.#seats.set(seat, { given: 0, usedAt: 0 });
    this.#dispatch();
  }

  /** What it was given and did not say to have is another's. */
  remove(seat: Seat): void {
    this.#seats.delete(seat);
    for (const [id, given] of this.#given) if (given.seat === seat) this.#again(id, given);
    this.#dispatch();
  }

  /** What a worker says of a connection that it was given. */
  answered(id: number, isTaken: boolean): void {
    const given = this.#given.get(id);
    if (given === undefined) return;
    this.#given.delete(id);
    const at = this.#seats.get(given.seat);
    if (at !== undefined) at.given--;
    if (!given.isPast) {
      if (isTaken) given.connection.destroy();
      else this.#waiting.add(given.connection);
    }
    this.#dispatch();
  }

  /** Nobody is given anything any more. */
  close(): void {
    clearInterval(this.#timer);
    for (const connection of this.#waiting) connection.destroy();
    for (const { connection } of this.#given.values()) connection.destroy();
    this.#waiting.clear();
    this.#given.clear();
    this.#seats.clear();
  }

  #dispatch(): void {
    for (const connection of this.#waiting) {
      const seat = this.#next();
      if (seat === undefined) return;
      this.#waiting.delete(connection);
      const id = ++this.#ids;
      const at = sharedMs();
      this.#given.set(id, { connection, seat, at, isPast: false });
      const standing = this.#seats.get(seat);
      if (standing !== undefined) {
        standing.given++;
        standing.usedAt = ++this.#uses;
      }
      seat.give(id, at, connection);
    }
  }

  /** Of those that take what they are given, the one that has fewest; of equals whoever was not given anything for longest. */
  #next(): Seat | undefined {
    let best: { readonly seat: Seat; readonly load: number; readonly usedAt: number } | undefined;
    for (const [seat, { given, usedAt }] of this.#seats) {
      if (given >= MOST_GIVEN) continue;
      const load = seat.open + given;
      if (best === undefined || load < best.load || (load === best.load && usedAt < best.usedAt))
        best = { seat, load, usedAt };
    }
    return best?.seat;
  }

  /** A worker that stands still keeps its place among `given`, so that it is given no more until it answers. */
  #takeBack(): void {
    const before = sharedMs() - TAKEN_BACK_MS;
    for (const given of this.#given.values()) {
      if (given.isPast || given.at > before) continue;
      given.isPast = true;
      this.#waiting.add(given.connection);
    }
    this.#dispatch();
  }

  #again(id: number, given: Given): void {
    this.#given.delete(id);
    if (!given.isPast) this.#waiting.add(given.connection);
  }
}
