import { createHash } from 'node:crypto';
import type { PipRun } from './pip.ts';

/** What the demo needs of an installer. */
export interface Installer {
  /** As it is called in what the demo says. */
  readonly name: string;
  readonly download: (index: string, requirement: string) => Promise<PipRun>;
  readonly install: (index: string, requirements: readonly string[]) => Promise<PipRun>;
}

/** Where there is no pip: the same requests, one page and one file a requirement, and the same check of the digest. */
export function createPlainInstaller(signal: AbortSignal): Installer {
  const download = async (index: string, requirement: string): Promise<PipRun> => {
    const [project = '', version] = requirement.split('==');
    const page = await fetch(`${index}${project}/`, { headers: { accept: 'text/html' }, signal });
    if (!page.ok) return failed(`HTTP ${page.status} ${page.statusText}`);
    const start = `${project.replaceAll('-', '_')}-${version === undefined ? '' : `${version}-`}`;
    const links = [...(await page.text()).matchAll(/href="([^"#]+)#sha256=([0-9a-f]{64})"/g)];
    const link = links.findLast(([, path = '']) => nameOf(path).startsWith(start));
    if (link === undefined) return failed(`No matching distribution found for ${requirement}`);
    const [, path = '', digest = ''] = link;
    const file = await fetch(new URL(path, page.url), { signal });
    if (!file.ok) return failed(`HTTP ${file.status} ${file.statusText}`);
    const sha256 = createHash('sha256')
      .update(await file.bytes())
      .digest('hex');
    if (sha256 !== digest) return failed(`${nameOf(path)} is not what the page lists`);
    return { ok: true, said: `Downloaded ${nameOf(path)}`, files: new Map([[nameOf(path), sha256]]) };
  };
  return {
    name: 'client',
    download,
    async install(index, requirements) {
      const runs = await Promise.all(requirements.map((requirement) => download(index, requirement)));
      const files = new Map(runs.flatMap((run) => [...run.files]));
      return (
        runs.find(({ ok }) => !ok) ?? {
          ok: true,
          said: `Successfully downloaded ${[...files.keys()].join(' ')}`,
          files,
        }
      );
    },
  };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function failed(said: string): PipRun {
  return { ok: false, said, files: new Map() };
}
