import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startUpstream } from '../../test/support/upstream.ts';
import { ask, JSON_PAGE } from '../support/ask.ts';
import { cpuOfEach } from '../support/cold-requests.ts';
import { cpuOf } from '../support/cpu.ts';
import { rootOf, smallIndex, startMirror } from '../support/index.ts';
import type { Mirror } from '../support/mirror.ts';
import { packages } from '../support/packages.ts';
import { serveIndex, startUnsigned } from '../support/unsigned.ts';
import type { Group } from './side.ts';

const PAGES = 100;
const FILES = 50;
const PACKAGES = 60;
/** So many times as many, by a process that is warmed up by then. */
const LATER = 2;

/** What nobody asked for yet: pages of a signed index, and pages, metadata and wheels of one that signs nothing; first and later ones. */
export async function coldAnswers(): Promise<Group> {
  const signed = smallIndex();
  const [firstPages, laterPages] = [PAGES, LATER * PAGES].map((count, set) => {
    const projects = Array.from({ length: count }, (_, i) => `set-${set}-project-${i}`);
    for (const project of projects)
      signed.upload(
        project,
        ...Array.from({ length: FILES }, (_, i) => ({
          filename: `${project.replaceAll('-', '_')}-${i}.0-py3-none-any.whl`,
          bytes: Buffer.from(`${project} ${i}`),
        })),
      );
    return projects;
  });
  signed.publish();
  const [first, later] = [packages('first', PACKAGES), packages('later', LATER * PACKAGES)];
  const unsigned = new Map([...first.files, ...later.files]);
  const upstreams = [
    await startUpstream({ files: signed.repository.files, etags: false }),
    await serveIndex(unsigned),
  ] as const;
  const root = rootOf(signed);
  return {
    async open(program, directory) {
      for (const name of ['signed', 'unsigned']) mkdirSync(join(directory, name));
      const mirrors = [
        await startMirror(join(directory, 'signed'), upstreams[0].url, root, { program }),
        await startUnsigned(join(directory, 'unsigned'), upstreams[1].url, { program }),
      ] as const;
      const [pages, all] = [`cold signed page of ${FILES} files`, 'cold request, unsigned index'];
      return {
        figures: new Map([
          [`${pages}, the first ${PAGES}`, () => cpuOfPages(mirrors[0], firstPages ?? [])],
          [`${pages}, the next ${LATER * PAGES}`, () => cpuOfPages(mirrors[0], laterPages ?? [])],
          [`${all}, the first ${PACKAGES * 3}`, () => cpuOfEach(mirrors[1], first)],
          [`${all}, the next ${LATER * PACKAGES * 3}`, () => cpuOfEach(mirrors[1], later)],
        ]),
        stop: async () => void (await Promise.all(mirrors.map((mirror) => mirror.stop()))),
      };
    },
    close: async () => void (await Promise.all(upstreams.map((upstream) => upstream.close()))),
  };
}

async function cpuOfPages(mirror: Mirror, projects: readonly string[]): Promise<number> {
  const before = cpuOf(mirror.pid);
  for (const project of projects) await ask(`${mirror.url}simple/${project}/`, JSON_PAGE);
  return (cpuOf(mirror.pid) - before) / projects.length;
}
