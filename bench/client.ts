import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sign } from '../src/repository/documents.ts';
import { ed25519Key } from '../src/repository/signing-keys.ts';
import { pythonTuf } from '../test/support/environments.ts';
import { startUpstream } from '../test/support/upstream.ts';
import { cpuPerRun } from './support/cpu.ts';
import { rootOf, smallIndex, withDirectory } from './support/index.ts';
import { childFile, run, VERBATIM } from './support/processes.ts';
import { alternate, atMost, compare, type Measure, milliseconds, type Row } from './support/table.ts';

const ROUNDS = 15;

/** CPU is told in steps of 10 ms: so many runs make one figure. */
const RUNS = 8;
const CPU_ROUNDS = 5;
const ROOTS = 200;
/** `verbatim client … refresh` from an initial root to a whole small repository, over what node takes to start. */
export const client: Measure = async (log) => {
  const small = smallIndex();
  small.publish();
  return [
    ...(await started(log)),
    await besidePythonTuf('a small repository', 0.7, small.repository.files, RUNS, log),
    await besidePythonTuf(`a chain of ${ROOTS} Ed25519 roots`, 0.5, chainOfRoots(), 2, log),
  ];
};

const started: Measure = (log) =>
  withDirectory(async (directory) => {
    const index = smallIndex();
    index.publish();
    const upstream = await startUpstream({ files: index.repository.files });
    try {
      const root = join(directory, 'root.json');
      const nothing = join(directory, 'nothing.js');
      const [initial, metadata] = [join(directory, 'initial'), join(directory, 'metadata')];
      writeFileSync(root, rootOf(index));
      writeFileSync(nothing, '');
      mkdirSync(initial);
      const verbatim = (dir: string, ...command: readonly string[]) =>
        run(process.execPath, [
          ...[VERBATIM, 'client', '--metadata-dir', dir, '--metadata-url', `${upstream.url}metadata/`],
          ...command,
        ]);
      await verbatim(initial, 'init', root);
      log('client: start and refresh');
      const figure = await alternate(ROUNDS, {
        node: async () => (await run(process.execPath, [nothing])).milliseconds,
        async ours() {
          rmSync(metadata, { recursive: true, force: true });
          cpSync(initial, metadata, { recursive: true });
          return (await verbatim(metadata, 'refresh')).milliseconds;
        },
      });
      return [
        atMost(
          'verbatim client: start and refresh a small repository, over an empty program',
          figure('ours') - figure('node'),
          100,
          milliseconds,
          `node with an empty program ${milliseconds(figure('node'))}`,
        ),
      ];
    } finally {
      await upstream.close();
    }
  });

/** CPU of whole runs, the start of either program counted. */
function besidePythonTuf(
  what: string,
  limit: number,
  files: ReadonlyMap<string, Uint8Array>,
  runs: number,
  log: (text: string) => void,
): Promise<Row> {
  return withDirectory(async (directory) => {
    const python = await pythonTuf();
    const upstream = await startUpstream({ files: new Map(files) });
    try {
      const url = `${upstream.url}metadata/`;
      const [root, initial] = [join(directory, 'root.json'), join(directory, 'initial')];
      writeFileSync(root, files.get('metadata/1.root.json') ?? '');
      mkdirSync(initial);
      const verbatim = [process.execPath, VERBATIM, 'client', '--metadata-url', url, '--metadata-dir'];
      await run(process.execPath, [...verbatim.slice(1), initial, 'init', root]);
      const places = Array.from({ length: runs }, (_, i) => join(directory, `metadata-${i}`));
      const each = (command: (place: string) => readonly string[]) => () => {
        for (const place of places) {
          rmSync(place, { recursive: true, force: true });
          cpSync(initial, place, { recursive: true });
        }
        return cpuPerRun(places.map(command));
      };
      log(`client: CPU, ${what}`);
      const figure = await alternate(CPU_ROUNDS, {
        ours: each((place) => [...verbatim, place, 'refresh']),
        python:
          python === undefined
            ? undefined
            : each((place) => [join(python, 'python'), childFile('refresh.py'), place, url]),
      });
      return compare({
        what: `verbatim client refresh, ${what}: CPU of the whole run, its start counted`,
        ours: figure('ours'),
        beside: ['python-tuf', python === undefined ? undefined : figure('python')],
        show: milliseconds,
        atMost: limit,
      });
    } finally {
      await upstream.close();
    }
  });
}

/** One key signs everything; every root is the one before under the next version. */
function chainOfRoots(): ReadonlyMap<string, Uint8Array> {
  const key = ed25519Key();
  const by = { keyids: [key.keyid], threshold: 1 };
  const keys = { [key.keyid]: key.public };
  const roles = { root: by, timestamp: by, snapshot: by, targets: by };
  const document = (fields: object) =>
    sign({ spec_version: '1.0.34', version: 1, expires: '2036-01-01T00:00:00Z', ...fields }, [key]);
  const files = new Map([
    ['metadata/timestamp.json', document({ _type: 'timestamp', meta: { 'snapshot.json': { version: 1 } } })],
    ['metadata/1.snapshot.json', document({ _type: 'snapshot', meta: { 'targets.json': { version: 1 } } })],
    ['metadata/1.targets.json', document({ _type: 'targets', targets: {} })],
  ]);
  for (let version = 1; version <= ROOTS + 1; version++)
    files.set(
      `metadata/${version}.root.json`,
      document({ _type: 'root', version, consistent_snapshot: true, keys, roles }),
    );
  return files;
}
