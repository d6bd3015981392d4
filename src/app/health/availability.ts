import type { NotReady } from '../../http/routes/health.ts';
import type { DiskProbe } from './disk-probe.ts';

const DRAINING: NotReady = {
  reason: 'draining',
  message: 'This mirror is about to stop: it still answers, and new requests should go elsewhere.',
};
const UNWRITABLE: NotReady = {
  reason: 'disk',
  message: 'What is fetched cannot be written: the log and "verbatim status" of this mirror say why.',
};
/** Of a server of several processes. */
export const NO_WORKER: NotReady = { reason: 'workers', message: 'None of the processes that answer does so now.' };

/** Whether answers should be asked for. A mirror that listens has its state loaded; upstream and Redis have no say. */
export class Availability {
  readonly #disk: Pick<DiskProbe, 'trouble'> | undefined;
  #isLeaving = false;

  /** `disk`: left out by whoever writes nothing. */
  constructor(disk?: Pick<DiskProbe, 'trouble'>) {
    this.#disk = disk;
  }

  /** From now on it is not ready, whatever else is so. */
  leave(): void {
    this.#isLeaving = true;
  }

  get reasons(): readonly NotReady[] {
    return [...(this.#isLeaving ? [DRAINING] : []), ...(this.#disk?.trouble === undefined ? [] : [UNWRITABLE])];
  }
}
