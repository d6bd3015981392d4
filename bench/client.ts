import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startUpstream } from '../test/support/upstream.ts';
import { rootOf, smallIndex, withDirectory } from './support/index.ts';
import { run, VERBATIM } from './support/processes.ts';
import { alternate, atMost, type Measure, milliseconds } from './support/table.ts';

const ROUNDS = 15;

/** `verbatim client … refresh` from an initial root to a whole small repository, over what node takes to start. */
export const client: Measure = (log) =>
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
