import { within } from '../../async/timeout.ts';
import type { News, Peers } from '../../ports/peers.ts';
import type { ToSupervisor } from './messages.ts';
import { Questions } from './questions.ts';
import type { WorkerLease } from './worker-lease.ts';

/** The supervisor waits a second for the others; where it stands still nobody waits for it. Milliseconds. */
const TOLD_MS = 3000;

interface WorkerPeersOptions {
  readonly lease: WorkerLease;
  readonly number: number;
  /** False where there is no supervisor any more. */
  readonly send: (message: ToSupervisor) => boolean;
  readonly toldMs?: number | undefined;
}

/** The other workers, as one of them speaks to them: by the supervisor. Where that is gone nobody is left to be told. */
export class WorkerPeers implements Peers {
  readonly lease: WorkerLease;
  readonly number: number;
  readonly leads: boolean;
  readonly #send: (message: ToSupervisor) => boolean;
  readonly #told = new Questions<void>();
  readonly #toldMs: number;

  constructor({ lease, number, send, toldMs = TOLD_MS }: WorkerPeersOptions) {
    this.#toldMs = toldMs;
    this.lease = lease;
    this.number = number;
    this.leads = number === 1;
    this.#send = send;
  }

  readonly tell = async (news: News): Promise<void> => {
    const told = this.#told.ask((id) => this.#send({ kind: 'news', id, news })).catch(() => undefined);
    await within<void>(this.#toldMs, told, undefined);
  };

  /** The others have followed what was told under this number. */
  followed(id: number): void {
    this.#told.answered(id);
  }

  /** Nobody is told anything any more. */
  close(): void {
    this.#told.ended();
  }
}
