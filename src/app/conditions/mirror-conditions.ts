import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import type { AccessRecord } from '../../disk/records/access-record.ts';
import type { RequestsRecord } from '../../disk/records/requests-record.ts';
import type { Certificate } from '../../http/server.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Condition } from '../../ports/conditions.ts';
import type { Emit } from '../../ports/events.ts';
import type { ConditionNumbers } from '../../telemetry/condition-metrics.ts';
import { advisoryConditions } from '../advisories/conditions.ts';
import type { FeedKeeper } from '../advisories/keeper.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetPeers } from '../fleet/peer-files.ts';
import type { SharedRedis } from '../fleet/redis.ts';
import { rootConditions } from '../provenance/conditions.ts';
import type { SigstoreRoots } from '../provenance/roots.ts';
import { certificateOf } from '../server-files.ts';
import { certificateConditions, type Validity, validityOf } from './certificate.ts';
import type { ClockComparison } from './clocks.ts';
import { diskConditions, diskRoom, freeBytes, recordConditions, unwritableConditions } from './disk.ts';
import { fleetConditions, peerConditions } from './fleet.ts';
import { type ImportAge, importAges, importConditions } from './imports.ts';
import { quarantineConditions } from './quarantine.ts';
import { secretConditions } from './secrets.ts';
import { settingConditions } from './settings.ts';
import { ConditionWatch } from './watch.ts';

interface MirrorConditionsOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly clocks: ClockComparison;
  readonly redis: Pick<SharedRedis, 'trouble'> | undefined;
  readonly fleet?: Pick<Fleet, 'standings'> | undefined;
  readonly fleetPeers?: Pick<FleetPeers, 'troubles'> | undefined;
  /** Why the data directory cannot be written to; undefined where it can. */
  readonly disk?: (() => string | undefined) | undefined;
  readonly fetched: Pick<AccessRecord, 'writing'>;
  readonly requests: Pick<RequestsRecord, 'writing'>;
  readonly emit: Emit;
  readonly indexes: readonly PackageIndex[];
  readonly advisories?: Pick<FeedKeeper, 'standing'> | undefined;
  readonly roots?: Pick<SigstoreRoots, 'standings'> | undefined;
  /** Of the bucket that files are kept in. */
  readonly bucket?: { conditions(): readonly Condition[] } | undefined;
}

/** What is so of a mirror that runs, and the numbers it is told by. */
export class MirrorConditions {
  readonly #options: MirrorConditionsOptions;
  readonly #watch: ConditionWatch;
  #validity: Validity | undefined;
  #room: { readonly free: number; readonly size: number } | undefined;
  #ages: readonly ImportAge[] = [];

  constructor(options: MirrorConditionsOptions) {
    this.#options = options;
    this.#watch = new ConditionWatch((before) => this.#look(before), options.emit);
  }

  /** What is so, as of the last look. */
  get inForce(): readonly Condition[] {
    return this.#watch.inForce;
  }

  get numbers(): ConditionNumbers {
    return {
      inForce: this.inForce,
      certificateEnds: this.#validity?.to,
      clockAhead: this.#options.clocks.ahead,
      freeBytes: this.#room?.free,
      diskBytes: this.#room?.size,
      importAges: this.#ages,
      advisories: this.#options.advisories?.standing.totals,
      sigstoreRoots: this.#options.roots?.standings ?? [],
    };
  }

  start(certificate: Certificate | undefined): Promise<void> {
    this.#validity = certificate && validityOf(certificate);
    return this.#watch.start();
  }

  /** After something has changed that cannot wait for the next look. */
  look(): Promise<void> {
    return this.#watch.look();
  }

  /** After files were read again. */
  async reload(certificate: Certificate | undefined): Promise<void> {
    this.#validity = certificate && validityOf(certificate);
    await this.#watch.look();
  }

  close(): Promise<void> {
    return this.#watch.close();
  }

  async #look(before: readonly Condition[]): Promise<readonly Condition[]> {
    const { config, clock, clocks, redis, bucket, fleet, fleetPeers, advisories } = this.#options;
    this.#room = await diskRoom(config.data);
    this.#ages = await importAges(this.#options.indexes);
    const low = before.some(({ what }) => what === 'disk');
    return [
      ...standing(config, { now: clock.now(), validity: this.#validity, free: this.#room?.free, low }),
      ...unwritableConditions(this.#options.disk?.(), config.data),
      ...recordConditions('access-record', this.#options.fetched.writing),
      ...recordConditions('requests-record', this.#options.requests.writing),
      ...clocks.look(),
      ...importConditions(this.#ages),
      ...(advisories === undefined || config.advisories === undefined
        ? []
        : advisoryConditions(advisories.standing, { maxAge: config.advisories.maxAge, now: clock.now() })),
      ...rootConditions(this.#options.roots?.standings ?? [], clock.now()),
      ...(await quarantineConditions(this.#options.indexes)),
      ...redisConditions(redis?.trouble),
      ...(bucket?.conditions() ?? []),
      ...fleetConditions(fleet?.standings ?? []),
      ...peerConditions(fleetPeers?.troubles ?? []),
    ];
  }
}

function redisConditions(trouble: string | undefined): readonly Condition[] {
  if (trouble === undefined) return [];
  const message = `Redis is away: ${trouble}. This replica works alone: never below what it served before, and others may serve newer meanwhile.`;
  return [{ what: 'redis', index: '', thing: '', message }];
}

/** What can be seen without asking an upstream or a server. */
export async function conditionsHere(config: Config, { now }: Pick<Clock, 'now'>): Promise<readonly Condition[]> {
  return standing(config, {
    now: now(),
    validity: validityThere(config),
    free: await freeBytes(config.data),
    low: false,
  });
}

interface Facts {
  readonly now: number;
  readonly validity: Validity | undefined;
  readonly free: number | undefined;
  readonly low: boolean;
}

function standing(config: Config, { now, validity, free, low }: Facts): readonly Condition[] {
  const { tls } = config.server;
  return [
    ...settingConditions(config),
    ...secretConditions(config),
    ...(tls === undefined || validity === undefined
      ? []
      : certificateConditions(validity, { now, warnDays: tls.warnDays, file: tls.cert })),
    ...diskConditions(free, { limit: config.cache.warnFreeBytes ?? 0, low, data: config.data }),
  ];
}

/** Of the certificate as it lies there; a command may not be allowed to read its key. */
function validityThere({ server }: Config): Validity | undefined {
  try {
    const certificate = certificateOf(server);
    return certificate && validityOf(certificate);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
