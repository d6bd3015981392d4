import type { Socket } from 'node:net';
import {
  EACH_KEPT_SHARE,
  KEPT_SHARE,
  MAX_CONNECTIONS_LOOKED_AT,
  MAX_PARTIES_LOOKED_AT,
  MAX_TOLD,
  MAX_TOLD_EACH,
} from './limits.ts';
import { partyOf } from './party.ts';

/** Since start. */
export interface ConnectionCounts {
  readonly open: number;
  readonly limit: number;
  readonly refused: number;
  /** Idle ones that were closed for others. */
  readonly closedForRoom: number;
}

/** Connections are refused or closed for others, and who has most of them; or nobody is refused any more. */
export type ConnectionCrowding =
  | { readonly full: true; readonly party: string; readonly held: number; readonly limit: number }
  | { readonly full: false };

/** An answer, as far as it is over or not. */
interface Answering {
  readonly writableFinished: boolean;
  readonly destroyed: boolean;
  readonly req: { readonly complete: boolean };
}

/** What a connection has brought. */
interface Brought {
  /** Whose headers were read. */
  readonly requests: number;
  /** The last of them was read to the end of its body. */
  readonly isWhole: boolean;
  /** The answer to the last is not over. */
  readonly isAnswering: boolean;
}

interface Connection {
  readonly socket: Socket;
  readonly party: string;
  requests: number;
  /** The last one that was begun. */
  answer: Answering | undefined;
  /** Requests of all connections before its last one, and what that was when it was put in line. */
  used: number;
  lined: number;
}

/**
 * Who may connect. One address may have what nobody else wants, but for the last places, which are kept for those who have
 * few. Where none is left, the connection that has been idle longest of the address that has most makes room (idle: no
 * request was read whole that is not answered yet). A newcomer is refused where nobody has more than its own address.
 */
export class Connections {
  readonly #limit: number;
  readonly #kept: number;
  readonly #each: number;
  readonly #onCrowding: (crowding: ConnectionCrowding) => void;
  readonly #known = new WeakMap<Socket, Connection>();
  /** By party, about in the order of their last request. */
  readonly #parties = new Map<string, Set<Connection>>();
  /** Refused ones that are told so, by party. */
  readonly #told = new Map<string, number>();
  #toldNow = 0;
  #open = 0;
  #requests = 0;
  #refused = 0;
  #closed = 0;
  #isFull = false;

  /** `onCrowding` hears of each change, not of each refusal. */
  constructor(limit: number, onCrowding: (crowding: ConnectionCrowding) => void = () => undefined) {
    this.#limit = limit;
    this.#kept = Math.floor(limit * KEPT_SHARE);
    this.#each = Math.max(1, Math.floor(limit * EACH_KEPT_SHARE));
    this.#onCrowding = onCrowding;
  }

  get counts(): ConnectionCounts {
    return { open: this.#open, limit: this.#limit, refused: this.#refused, closedForRoom: this.#closed };
  }

  /** `told`: it is refused, and its first request should be answered with that. `refused`: there are too many of those, too. */
  admit(socket: Socket): 'taken' | 'told' | 'refused' {
    const party = partyOf(socket.remoteAddress ?? '');
    const held = this.#parties.get(party)?.size ?? 0;
    if (!this.#hasRoomFor(held)) {
      this.#tellFull();
      const idle = this.#longestIdle(held);
      if (idle === undefined) return this.#refuse(socket, party);
      this.#closed++;
      this.#leave(idle);
      idle.socket.destroy();
    }
    this.#enter(socket, party);
    return 'taken';
  }

  /** A TLS connection over one that was taken. */
  same(socket: Socket, over: Socket): void {
    const connection = this.#known.get(over);
    if (connection !== undefined) this.#known.set(socket, connection);
  }

  /** A request was read whole and is being answered. Returns how many that makes; undefined on a connection that was refused. */
  asked(socket: Socket, answer: Answering): number | undefined {
    const connection = this.#known.get(socket);
    if (connection === undefined) return undefined;
    connection.answer = answer;
    connection.used = ++this.#requests;
    return ++connection.requests;
  }

  heard(socket: Socket): Brought {
    const connection = this.#known.get(socket);
    const { requests = 0, answer } = connection ?? {};
    return {
      requests,
      isWhole: answer?.req.complete === true,
      isAnswering: connection !== undefined && !isIdle(connection),
    };
  }

  #hasRoomFor(held: number): boolean {
    return this.#open < this.#limit - this.#kept || (this.#open < this.#limit && held < this.#each);
  }

  #enter(socket: Socket, party: string): void {
    const connection: Connection = { socket, party, requests: 0, answer: undefined, used: 0, lined: 0 };
    connection.used = connection.lined = ++this.#requests;
    const others = this.#parties.get(party) ?? new Set();
    this.#parties.set(party, others.add(connection));
    this.#known.set(socket, connection);
    this.#open++;
    socket.once('close', () => this.#leave(connection));
  }

  #leave(connection: Connection): void {
    const others = this.#parties.get(connection.party);
    if (!others?.delete(connection)) return;
    if (others.size === 0) this.#parties.delete(connection.party);
    this.#open--;
    if (!this.#isFull || this.#open > this.#limit - Math.max(1, 2 * this.#kept)) return;
    this.#isFull = false;
    this.#onCrowding({ full: false });
  }

  /** Of the party that has most, and more than `held`; where all of its own are busy, of the one that has most after it. */
  #longestIdle(held: number): Connection | undefined {
    const busy = new Set<Set<Connection>>();
    while (busy.size < MAX_PARTIES_LOOKED_AT) {
      let most: Set<Connection> | undefined;
      for (const each of this.#parties.values()) if (each.size > (most?.size ?? held) && !busy.has(each)) most = each;
      if (most === undefined) return undefined;
      const idle = longestIdleOf(most);
      if (idle !== undefined) return idle;
      busy.add(most);
    }
    return undefined;
  }

  #refuse(socket: Socket, party: string): 'told' | 'refused' {
    this.#refused++;
    const others = this.#told.get(party) ?? 0;
    if (this.#toldNow >= MAX_TOLD || others >= MAX_TOLD_EACH) return 'refused';
    this.#toldNow++;
    this.#told.set(party, others + 1);
    socket.once('close', () => {
      this.#toldNow--;
      const left = (this.#told.get(party) ?? 1) - 1;
      if (left === 0) this.#told.delete(party);
      else this.#told.set(party, left);
    });
    return 'told';
  }

  #tellFull(): void {
    if (this.#isFull) return;
    this.#isFull = true;
    let [party, held] = ['', 0];
    for (const [name, { size }] of this.#parties) if (size > held) [party, held] = [name, size];
    this.#onCrowding({ full: true, party, held, limit: this.#limit });
  }
}

/**
 * Whoever is busy, or has asked something since it was put in line, is put at its end when its turn comes: no request needs
 * to do so. So many are looked at and no more, whoever knocks; the next look goes on from there.
 */
function longestIdleOf(connections: Set<Connection>): Connection | undefined {
  for (let looked = 0; looked < MAX_CONNECTIONS_LOOKED_AT; looked++) {
    const [first] = connections;
    if (first === undefined) return undefined;
    const idle = isIdle(first);
    if (idle && first.used === first.lined) return first;
    connections.delete(first);
    connections.add(first);
    if (idle) first.lined = first.used;
  }
  return undefined;
}

function isIdle({ answer }: Connection): boolean {
  return answer === undefined || answer.writableFinished || answer.destroyed;
}
