import type { Socket } from 'node:net';
import type { Instant } from '../bytes/instant.ts';
import type { Config } from '../config/config.ts';
import { type Access, createAccess } from '../http/access/access.ts';
import type { Finished } from '../http/exchange.ts';
import { createConnectionRefusal, createListener } from '../http/listener.ts';
import { type Certificate, type RunningServer, startServer } from '../http/server.ts';
import type { PackageIndex } from '../mirror/package-index.ts';
import type { Condition } from '../ports/conditions.ts';
import type { Emit } from '../ports/events.ts';
import type { News } from '../ports/peers.ts';
import { createEmit } from '../telemetry/events.ts';
import type { Log } from '../telemetry/log.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { VERSION } from '../version.ts';
import { AdvisoryAnswers } from './advisories/answers.ts';
import { type Composition, compose } from './compose.ts';
import { MirrorConditions } from './conditions/mirror-conditions.ts';
import { listenForCommands } from './control/for-commands.ts';
import { createHandle } from './control/handle.ts';
import { type ControlSocket, type Handle, handled } from './control/listen.ts';
import { connectionsFor } from './descriptors.ts';
import { followFleet } from './fleet/follow-fleet.ts';
import { followPeer } from './fleet/follow-peer.ts';
import { MirrorHealth } from './health/mirror-health.ts';
import { noEvents } from './no-events.ts';
import { combinedOf } from './running/combined.ts';
import { Introductions } from './running/introductions.ts';
import { logOf } from './running/log.ts';
import type { MirrorOptions, RunningMirror } from './running/mirror.ts';
import { recordRefused } from './running/record-refused.ts';
import { recordSent } from './running/record-sent.ts';
import { readAgain } from './running/reload.ts';
import { type Jobs, jobsOf } from './scrubbing/jobs.ts';
import { accessListOf, addressOf, certificateOf, defaultIndexOf, servedIndex } from './server-files.ts';
import { serverReport } from './status.ts';
import { aboutIndexes, watchComposition } from './watch-composition.ts';
import { createPeoplePages } from './web/people-pages.ts';

/** Starts the whole mirror: store, indexes, HTTP. Throws Refusal where it must not start. */
export async function startMirror({
  config,
  newTrust,
  admin,
  log = logOf(config),
  behind,
  peers,
}: MirrorOptions): Promise<RunningMirror> {
  const certificate = certificateOf(config.server);
  const readers = accessListOf(config.server);
  const metrics = createMetrics({ indexes: aboutIndexes(config), version: VERSION });
  const emit = createEmit(log, metrics);
  const composition = await compose({ config, emit, newTrust, upkeep: true, peers });
  watchComposition(metrics, composition);
  const { shares: queues, passwords } = composition;
  const access = readers && createAccess(readers, { queues, bcrypt: passwords.bcrypt });
  const mirror = new Mirror({ config, log, emit, metrics, composition, access, behind, leads: peers?.leads ?? true });
  try {
    await mirror.listen(certificate);
    await mirror.watch(certificate);
    if (admin !== undefined) await mirror.listenForOperators(admin);
    // Of several processes the one that accepts connections is asked.
    if (behind === undefined) await mirror.listenForCommands();
    mirror.beginJobs();
    return mirror;
  } catch (error) {
    await mirror.close();
    throw error;
  }
}

interface MirrorParts {
  readonly config: Config;
  readonly log: Log;
  readonly emit: Emit;
  readonly metrics: Metrics;
  readonly composition: Composition;
  readonly access: Access | undefined;
  readonly behind: string | undefined;
  /** Of several processes one tells what all of them see. */
  readonly leads: boolean;
}

/** The servers over one composition. What is opened is closed again in order, however far the start came. */
class Mirror implements RunningMirror {
  readonly indexes: readonly PackageIndex[];
  readonly defaultIndex: string;
  readonly log: Log;
  readonly #parts: MirrorParts;
  readonly #conditions: MirrorConditions;
  readonly #servers: RunningServer[] = [];
  readonly #handle: Handle;
  readonly #health: MirrorHealth;
  #main: RunningServer | undefined;
  #admin: RunningServer | undefined;
  #control: ControlSocket | undefined;
  #publicUrl: string | undefined;
  #jobs: Jobs | undefined;
  #introductions: Introductions | undefined;
  readonly #startedAt: Instant;

  constructor(parts: MirrorParts) {
    this.#parts = parts;
    this.log = parts.log;
    this.indexes = parts.composition.indexes;
    this.defaultIndex = defaultIndexOf(parts.config);
    const { config, composition, emit } = parts;
    const { clock, clocks, fleet, fleetPeers, redis, roots } = composition;
    const onDisk = () => void this.#conditions.look();
    this.#health = new MirrorHealth({
      config,
      composition,
      conditions: () => this.#conditions.inForce,
      onDisk,
      supervisor: parts.behind === undefined ? undefined : process.ppid,
    });
    const disk = () => this.#health.diskTrouble;
    this.#conditions = new MirrorConditions({ ...composition, config, disk, emit: parts.leads ? emit : noEvents });
    for (const each of [clocks, fleet, fleetPeers, redis, roots]) each?.watch(() => void this.#conditions.look());
    fleet?.follow((name, items) => {
      const mirror = this.indexes.find((each) => each.name === name);
      if (mirror !== undefined) void followFleet(mirror, items, emit);
    });
    this.#startedAt = clock.now();
    const nobody = { open: 0, limit: config.server.maxConnections, refused: 0 };
    this.#handle = createHandle(composition, () => ({
      server: {
        ...serverReport(composition, { startedAt: this.#startedAt, connections: this.#main?.connections ?? nobody }),
        syncs: this.#jobs?.syncs,
        scrub: this.#jobs?.scrub,
      },
      conditions: this.#conditions.inForce,
    }));
  }

  get url(): string {
    return this.#parts.behind ?? this.#main?.url ?? '';
  }

  get open(): number {
    return this.#main?.connections.open ?? 0;
  }

  get readings(): Metrics['readings'] {
    return this.#parts.metrics.readings;
  }

  take(connection: Socket): boolean {
    return this.#main?.take(connection) ?? false;
  }

  get metricsUrl(): string | undefined {
    return this.#admin && `${this.#admin.url}/metrics`;
  }

  get conditions(): readonly Condition[] {
    return this.#conditions.inForce;
  }

  async watch(certificate: Certificate | undefined): Promise<void> {
    this.#parts.metrics.watchConditions(() => this.#conditions.numbers);
    await this.#conditions.start(certificate);
    this.#health.start();
  }

  async listen(tls: Certificate | undefined): Promise<void> {
    const { config, composition, access, emit, metrics } = this.#parts;
    const onFinish = (finished: Finished) => emit(finished);
    const { health } = this.#health.served;
    const { auditors } = config.pages ?? {};
    const about = {
      auditors,
      defaultIndex: this.defaultIndex,
      startedAt: this.#startedAt,
      address: () => this.#publicUrl,
    };
    this.#main = await this.#open({
      listener: createListener({
        ...this.#shared(),
        indexes: composition.indexes.map((index) => servedIndex(index, { config, access, bucket: composition.bucket })),
        combined: combinedOf(config, composition),
        access,
        trustedProxies: config.server.trustedProxies,
        peers: composition.fleetPeers?.door(composition.blobs),
        publicUrl: () => this.#publicUrl,
        advisories: new AdvisoryAnswers(composition.advisories, composition.shares),
        people: createPeoplePages({
          composition,
          config,
          ...about,
          health,
        }),
        onFinish,
        onSent: (sent) => recordSent({ config, composition }, sent),
        onRefused: (refused) => recordRefused({ config, composition }, refused),
      }),
      refuse: createConnectionRefusal(onFinish),
      onCrowding: (crowding) => emit({ name: 'crowded', ...crowding }),
      host: config.server.host,
      port: config.server.port,
      isHanded: this.#parts.behind !== undefined,
      tls,
      limits: { connections: connectionsFor(config.server, this.log), grace: config.server.grace * 1000 },
    });
    const main = this.#main;
    metrics.watchConnections(() => main.connections);
    this.#publicUrl = addressOf(config.server, this.url);
  }

  /** From now on it does what nobody asks for: a first look at each upstream, syncs that are due, and reading again what is on disk. */
  beginJobs(): void {
    this.#jobs = jobsOf(this.#parts);
    const { leads } = this.#parts;
    this.#introductions = new Introductions(this.indexes.filter(({ signed }) => leads || signed !== undefined));
  }

  async listenForOperators(admin: NonNullable<MirrorOptions['admin']>): Promise<void> {
    const listener = createListener({ ...this.#shared(), indexes: [], metrics: this.#parts.metrics.exposition });
    this.#admin = await this.#open({ listener, ...admin });
  }

  async listenForCommands(): Promise<void> {
    const { composition, log, emit, config } = this.#parts;
    this.#control = await listenForCommands({ config, volume: composition.volume, emit, log }, this.#handle);
  }

  follow(news: News): Promise<void> {
    const { composition, emit } = this.#parts;
    return followPeer(composition, news, emit);
  }

  answer(line: string): Promise<string> {
    const { emit } = this.#parts;
    return handled(line, this.#handle, (error) => emit({ name: 'faulted', at: 'answer', error }));
  }

  // Both are bound to their mirror: they are handed on as handlers.
  readonly reload = (): void => {
    const { config, access, emit, leads, composition } = this.#parts;
    const { advisories, policyFiles } = composition;
    void advisories?.look();
    readAgain({ config, conditions: this.#conditions, server: this.#main, access, policyFiles, emit, tells: leads });
  };

  readonly leave = (): void => {
    this.#health.leave();
    for (const server of this.#servers) server.leave();
  };

  readonly close = async (): Promise<void> => {
    const { grace } = this.#parts.config.server;
    this.#health.leave();
    const open = this.#main?.connections.open ?? 0;
    if (open > 0)
      this.log.info(`stopping: answers under way have up to ${grace} seconds (server.grace) to end`, {
        event: 'stopping',
        connections: open,
      });
    const cut = (await Promise.all(this.#servers.map((server) => server.close()))).reduce((sum, each) => sum + each, 0);
    if (cut > 0)
      this.log.warn(`${cut} connections were cut: they had not ended within ${grace} seconds (server.grace)`, {
        event: 'stopping',
        connections: cut,
      });
    await this.#control?.close();
    await this.#introductions?.close();
    await this.#jobs?.close();
    await this.#health.close();
    await this.#conditions.close();
    await this.#parts.composition.close();
    await this.log.flush();
  };

  async #open(options: Parameters<typeof startServer>[0]): Promise<RunningServer> {
    const server = await startServer(options);
    this.#servers.push(server);
    return server;
  }

  #shared() {
    return {
      defaultIndex: this.defaultIndex,
      ...this.#health.served,
      onFault: (error: unknown) => this.#parts.emit({ name: 'faulted', at: 'answer', error }),
    };
  }
}
