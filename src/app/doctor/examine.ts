import type { Config } from '../../config/config.ts';
import { installerSettings } from '../../config/environment.ts';
import type { LoadOptions } from '../../config/load.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import { examineClients } from './clients.ts';
import { examineConfiguration } from './configuration.ts';
import { examineDirectory } from './directory.ts';
import { type Area, type Finding, findingsIn, wordsOf } from './finding.ts';
import { examineInstall } from './install.ts';
import { findSample, type Sample } from './sample.ts';
import { examineServers } from './server.ts';
import { examineBuckets, examineRedis } from './shared.ts';
import { TrialMirror } from './trial-mirror.ts';
import { examineClock, examineUpstream } from './upstream.ts';

interface Examining {
  readonly given: LoadOptions;
  /** Where a client's project is looked for. */
  readonly folder: string;
  /** Called as each area is begun. */
  readonly onBegin: (area: Area) => void;
}

/** Looks at everything, one area after the other; an area about which there is nothing to say is left out. Never throws. */
export async function* examine({ given, folder, onBegin }: Examining): AsyncIterable<readonly Finding[]> {
  const look = async (
    area: Area,
    work: () => readonly Finding[] | Promise<readonly Finding[]>,
  ): Promise<readonly Finding[]> => {
    onBegin(area);
    try {
      return await work();
    } catch (error) {
      return [
        findingsIn(area).error(
          'examination',
          wordsOf(error),
          'This look could not be finished; "verbatim serve --log-level debug" says more.',
        ),
      ];
    }
  };
  let config: Config | undefined;
  yield await look('configuration', async () => {
    const examined = await examineConfiguration(given);
    config = examined.config;
    return examined.findings;
  });
  if (config !== undefined) yield* examineMirror(config, look);
  yield await look('clients', () => examineClients(config?.server, { variables: installerSettings(), folder }));
}

type Look = (area: Area, work: () => readonly Finding[] | Promise<readonly Finding[]>) => Promise<readonly Finding[]>;

async function* examineMirror(config: Config, look: Look): AsyncIterable<readonly Finding[]> {
  yield await look('data', () => examineDirectory(config));
  yield await look('server', () => examineServers(config));
  yield await look('redis', () => examineRedis(config));
  yield await look('buckets', () => examineBuckets(config));
  let trial: TrialMirror | undefined;
  const failed = await look('upstream', async () => {
    trial = await TrialMirror.start(config);
    return [];
  });
  if (trial === undefined) {
    yield failed;
    return;
  }
  const mirror = trial;
  try {
    const sampleOf = remembered();
    yield await look('upstream', () => examineUpstream(config, mirror, sampleOf));
    yield await look('clock', () => examineClock(mirror));
    yield await look('install', () => examineInstall(config, mirror, sampleOf));
  } finally {
    await mirror.close();
  }
}

/** Each index is looked through once. */
function remembered(): (index: PackageIndex) => Promise<Sample | undefined> {
  const known = new Map<string, Promise<Sample | undefined>>();
  return (index) => {
    const sample = known.get(index.name) ?? findSample(index);
    known.set(index.name, sample);
    return sample;
  };
}
