import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startUpstream } from '../../test/support/upstream.ts';
import { cpuPerRun } from '../support/cpu.ts';
import { rootOf, smallIndex } from '../support/index.ts';
import { run } from '../support/processes.ts';
import type { Group } from './side.ts';

/** CPU is told in steps of 10 ms: so many runs make one figure. */
const RUNS = 8;

/** `verbatim client`: a root that is trusted, and a repository that is brought up to date. */
export async function clientCommands(): Promise<Group> {
  const index = smallIndex();
  index.publish();
  const upstream = await startUpstream({ files: index.repository.files });
  return {
    async open(program, directory) {
      const root = join(directory, 'root.json');
      const initial = join(directory, 'initial');
      const places = Array.from({ length: RUNS }, (_, i) => join(directory, `metadata-${i}`));
      const client = (metadata: string, ...command: readonly string[]) => [
        ...[process.execPath, program, 'client', '--metadata-dir', metadata],
        ...['--metadata-url', `${upstream.url}metadata/`, ...command],
      ];
      const each = (begin: (place: string) => void, ...command: readonly string[]) => {
        for (const place of places) {
          rmSync(place, { recursive: true, force: true });
          begin(place);
        }
        return cpuPerRun(places.map((place) => client(place, ...command)));
      };
      writeFileSync(root, rootOf(index));
      mkdirSync(initial);
      await run(process.execPath, client(initial, 'init', root).slice(1));
      return {
        figures: new Map([
          ['verbatim client init, whole run', () => each((place) => mkdirSync(place), 'init', root)],
          [
            'verbatim client refresh, whole run',
            () => each((place) => cpSync(initial, place, { recursive: true }), 'refresh'),
          ],
        ]),
        stop: async () => undefined,
      };
    },
    close: () => upstream.close(),
  };
}
