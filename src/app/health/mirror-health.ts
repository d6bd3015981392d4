import type { Config } from '../../config/config.ts';
import type { ServedOptions } from '../../http/app.ts';
import type { Condition } from '../../ports/conditions.ts';
import type { Composition } from '../compose.ts';
import { Availability } from './availability.ts';
import { DiskProbe } from './disk-probe.ts';
import { commonFacts, ownFacts } from './facts.ts';
import { createHealth, type WholeHealth } from './health.ts';

interface MirrorHealthOptions {
  readonly config: Config;
  readonly composition: Composition;
  /** As of the last look. */
  readonly conditions: () => readonly Condition[];
  /** The disk could be written to before and cannot now, or again. */
  readonly onDisk: () => void;
  /** The process that answers for all of a server of several. */
  readonly supervisor: number | undefined;
}

/** How one mirror that runs says whether to ask it, and whether what it promises holds. */
export class MirrorHealth {
  readonly #disk: DiskProbe;
  readonly #availability: Availability;
  /** What its listeners serve of it. */
  readonly served: Required<Pick<ServedOptions, 'notReady'>> & { readonly health: WholeHealth };

  constructor({ config, composition, conditions, onDisk, supervisor }: MirrorHealthOptions) {
    this.#disk = new DiskProbe({ write: () => composition.volume.probe(), onChange: onDisk });
    this.#availability = new Availability(this.#disk);
    const facts = async () => {
      const common = supervisor === undefined ? undefined : await commonFacts(config.data, supervisor);
      return common ?? ownFacts(composition, conditions());
    };
    this.served = {
      notReady: () => this.#availability.reasons,
      health: createHealth({ config, facts, startedAt: composition.clock.now() }),
    };
  }

  /** Why the disk cannot be written to, in a few words. */
  get diskTrouble(): string | undefined {
    return this.#disk.trouble;
  }

  start(): void {
    this.#disk.start();
  }

  leave(): void {
    this.#availability.leave();
  }

  close(): Promise<void> {
    return this.#disk.close();
  }
}
