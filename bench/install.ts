import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipOfToday, uv } from '../test/support/environments.ts';
import { CACHE } from '../test/support/python.ts';
import { startNginx } from './support/nginx.ts';
import { run } from './support/processes.ts';
import { alternate, compare, type Measure, milliseconds } from './support/table.ts';
import { withUnsigned } from './support/unsigned.ts';

/** With what they need these are thirty. */
const ASKED = ['requests', 'flask', 'rich', 'httpx', 'pytest', 'virtualenv', 'python-dateutil'];
const ROUNDS = 5;
const MEMORY_DISK = '/dev/shm';

/** `uv pip install` of thirty real packages from a warm mirror, beside nginx with the same files. */
export const install: Measure = async (log) => {
  const [uvBin, pipBin] = [await uv(), await pipOfToday()];
  const wheels = uvBin && pipBin ? await download(pipBin).catch(() => undefined) : undefined;
  if (uvBin === undefined || pipBin === undefined || wheels === undefined) {
    log('*** uv, or the package registry, is not there: an installation is NOT measured');
    return [];
  }
  const files = documentsOf(wheels);
  return withUnsigned(files, async ({ directory, mirror }) => {
    const nginx = await startNginx(directory, staticCopy(files, wheels), log);
    const target = mkdtempSync(join(existsSync(MEMORY_DISK) ? MEMORY_DISK : tmpdir(), 'verbatim-install-'));
    const requirements = join(directory, 'requirements.txt');
    writeFileSync(requirements, wheels.map(({ project, version }) => `${project}==${version}\n`).join(''));
    const from = (simple: string) => async () => {
      rmSync(target, { recursive: true, force: true });
      const { milliseconds: taken } = await run('env', [
        ...['-u', 'UV_INDEX_URL', 'UV_NO_CONFIG=1', 'UV_LINK_MODE=copy', join(uvBin, 'uv'), 'pip', 'install', '-q'],
        ...['--no-cache', '--python', join(pipBin, 'python'), '--index-url', simple, '--target', target],
        ...['--only-binary', ':all:', '-r', requirements],
      ]);
      return taken;
    };
    try {
      log(`install: ${wheels.length} packages by uv`);
      const figure = await alternate(ROUNDS, {
        ours: from(`${mirror.url}simple/`),
        nginx: nginx && from(`${nginx.url}simple/`),
      });
      return [
        compare({
          what: `uv pip install of ${wheels.length} packages, warm mirror, no client cache`,
          ours: figure('ours'),
          beside: ['static nginx', nginx && figure('nginx')],
          show: milliseconds,
          atMost: 1.1,
        }),
      ];
    } finally {
      rmSync(target, { recursive: true, force: true });
      await nginx?.stop();
    }
  });
};

interface Wheel {
  readonly project: string;
  readonly version: string;
  readonly filename: string;
  readonly bytes: Buffer;
  readonly metadata: Buffer;
}

/** Once, by pip, with everything they need; kept between runs. */
async function download(pipBin: string): Promise<readonly Wheel[]> {
  const directory = join(CACHE, 'thirty-wheels');
  const ready = join(directory, 'ready');
  const python = join(pipBin, 'python');
  if (!existsSync(ready)) {
    mkdirSync(directory, { recursive: true });
    await run(python, ['-m', 'pip', 'download', '-q', '--only-binary=:all:', '--dest', directory, ...ASKED]);
    await run(python, ['-c', METADATA_BESIDE, directory]);
    writeFileSync(ready, '');
  }
  return readdirSync(directory)
    .filter((name) => name.endsWith('.whl'))
    .map((filename) => {
      const [name = '', version = ''] = filename.split('-');
      const project = name.toLowerCase().replace(/[-_.]+/g, '-');
      const path = join(directory, filename);
      return { project, version, filename, bytes: readFileSync(path), metadata: readFileSync(`${path}.metadata`) };
    });
}

const METADATA_BESIDE = `
import pathlib, sys, zipfile
for path in pathlib.Path(sys.argv[1]).glob("*.whl"):
    with zipfile.ZipFile(path) as wheel:
        inside = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        path.with_name(path.name + ".metadata").write_bytes(wheel.read(inside))
`;

/** The index as PyPI would write it. */
function documentsOf(wheels: readonly Wheel[]): ReadonlyMap<string, Uint8Array> {
  return new Map(
    wheels.flatMap(({ project, version, filename, bytes, metadata }): [string, Uint8Array][] => {
      const file = {
        filename,
        url: `../../packages/${filename}`,
        hashes: { sha256: sha256(bytes) },
        size: bytes.byteLength,
        'core-metadata': { sha256: sha256(metadata) },
      };
      const page = { meta: { 'api-version': '1.1' }, name: project, versions: [version], files: [file] };
      return [
        [`simple/${project}/`, Buffer.from(JSON.stringify(page))],
        [`packages/${filename}`, bytes],
        [`packages/${filename}.metadata`, metadata],
      ];
    }),
  );
}

/** The same as files for a web server, with pages in HTML. */
function staticCopy(files: ReadonlyMap<string, Uint8Array>, wheels: readonly Wheel[]): Map<string, Uint8Array> {
  const copy = new Map([...files].filter(([path]) => path.startsWith('packages/')));
  for (const { project, filename, bytes, metadata } of wheels)
    copy.set(
      `simple/${project}/index.html`,
      Buffer.from(
        `<!DOCTYPE html><a href="../../packages/${filename}#sha256=${sha256(bytes)}" data-core-metadata="sha256=${sha256(metadata)}">${filename}</a>`,
      ),
    );
  return copy;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
