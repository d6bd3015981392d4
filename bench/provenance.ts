import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { internalCaller } from '../src/async/caller.ts';
import { sha256Hex } from '../src/bytes/digest.ts';
import { createProvenanceWork } from '../src/workers/provenance-work.ts';
import { uv } from '../test/support/environments.ts';
import { PYTHON } from '../test/support/python.ts';
import { GITHUB_PUBLISHER, provenanceOf, startSigstore, type TestSigstore } from '../test/support/sigstore.ts';
import { withDirectory } from './support/index.ts';
import { serve } from './support/mirror.ts';
import { type Package, packagesOf } from './support/packages.ts';
import { run } from './support/processes.ts';
import { alternate, atMost, compare, type Log, type Measure, median, milliseconds, type Row } from './support/table.ts';
import { serveIndex } from './support/unsigned.ts';

const PACKAGES = 100;
/** What of PyPI's uploads bore attestations in 2025. */
const ATTESTED = 17;
const ROUNDS = 7;
const JUDGED = 300;
const WARM_UP = 100;
const LATE_MS = 20;
const MODES = { on: 'require-when-present', report: 'report', off: 'off' } as const;
type Mode = keyof typeof MODES;

/** A document as PyPI serves it, and what Sigstore was when it was made. */
const REAL = '../test/unit/provenance/data/';
const REAL_FILE = {
  project: 'pypi-attestations',
  filename: 'pypi_attestations-0.0.19.tar.gz',
  sha256: '9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3',
};

/** Who published it: one verification, and an installation of which some files say so, beside one where nobody looks. */
export const provenance: Measure = async (log) => [await verification(log), ...(await installations(log))];

async function verification(log: Log): Promise<Row> {
  log(`provenance: ${JUDGED} verifications`);
  const bytesOf = (name: string) => readFileSync(new URL(REAL + name, import.meta.url));
  const [bytes, root] = [bytesOf(`${REAL_FILE.filename}.provenance`), bytesOf('trusted_root.json')];
  const given = { bytes, file: REAL_FILE, root: { sha256: sha256Hex(root), bytes: root }, gitlab: [] };
  const work = createProvenanceWork();
  const taken: number[] = [];
  try {
    for (let at = 0; at < WARM_UP + JUDGED; at++) {
      const begun = performance.now();
      const { result } = await work.judge(given, internalCaller('main', 'bench', 'client'));
      if (result !== 'verified') throw new Error(`a valid document was ${result}`);
      if (at >= WARM_UP) taken.push(performance.now() - begun);
    }
  } finally {
    await work.close();
  }
  const slow = taken.toSorted((one, other) => one - other)[Math.floor(JUDGED * 0.99)] ?? 0;
  return atMost(
    'provenance of a file of PyPI verified in its worker, median',
    median(taken),
    5,
    milliseconds,
    `99th percentile ${milliseconds(slow)}`,
  );
}

async function installations(log: Log): Promise<readonly Row[]> {
  const uvBin = await uv();
  if (uvBin === undefined) {
    log('*** uv is not there: an installation with provenance is NOT measured');
    return [];
  }
  const sigstore = await startSigstore();
  // One that is held, and one for each round that is cold: each is asked for for the first time only once.
  const sets = Array.from({ length: ROUNDS + 2 }, (_, at) => packagesOf(`attested${at}`, PACKAGES));
  const files = new Map<string, Uint8Array>();
  for (const set of sets)
    for (const [at, each] of set.entries())
      for (const [path, bytes] of await documentsOf(each, at < ATTESTED ? sigstore : undefined)) files.set(path, bytes);
  const upstream = await serveIndex(files, LATE_MS);
  try {
    return await withDirectory(async (directory) => {
      const started = (mode: Mode) => startMode(directory, upstream.url, sigstore, mode);
      const mirrors = { on: await started('on'), report: await started('report'), off: await started('off') };
      try {
        log(`provenance: ${PACKAGES} packages by uv, ${ATTESTED} of them attested`);
        return await compared(installer(join(uvBin, 'uv')), mirrors, sets);
      } finally {
        await Promise.all(Object.values(mirrors).map((each) => each.stop()));
      }
    });
  } finally {
    await upstream.close();
  }
}

type Mirrors = Readonly<Record<Mode, { readonly url: string }>>;

async function compared(
  install: ReturnType<typeof installer>,
  mirrors: Mirrors,
  [held = [], ...sets]: readonly (readonly Package[])[],
): Promise<readonly Row[]> {
  const inTurn = (sets: readonly (readonly Package[])[]) => (mode: Mode) => {
    const left = [...sets];
    return () => install.from(`${mirrors[mode].url}simple/`, left.shift() ?? held);
  };
  const taken = (of: ReturnType<typeof inTurn>) =>
    alternate(ROUNDS, { on: of('on'), report: of('report'), off: of('off') });
  const row = (what: string, figure: Awaited<ReturnType<typeof taken>>, mode: Mode, limit: number) =>
    compare({
      what: `uv pip install of ${PACKAGES} packages, ${ATTESTED} attested, ${what}, provenance ${MODES[mode]}`,
      ours: figure(mode),
      beside: ['provenance off', figure('off')],
      show: milliseconds,
      atMost: limit,
    });
  try {
    const warm = await taken(inTurn([]));
    const cold = await taken(inTurn(sets));
    return [
      row('warm', warm, 'on', 1.05),
      row(`cold, upstream ${LATE_MS} ms away`, cold, 'report', 1.05),
      row(`cold, upstream ${LATE_MS} ms away`, cold, 'on', 1.05),
    ];
  } finally {
    install.end();
  }
}

function startMode(directory: string, upstream: string, { trustedRoot }: TestSigstore, mode: Mode) {
  const place = mkdtempSync(join(directory, `${mode}-`));
  const [root, config] = [join(place, 'trusted_root.json'), join(place, 'verbatim.yaml')];
  writeFileSync(root, JSON.stringify(trustedRoot));
  const main = {
    evidence: 'index',
    upstream: `${upstream}simple/`,
    max_age: 86_400,
    provenance: { mode: MODES[mode], trusted_root: root },
  };
  writeFileSync(config, JSON.stringify({ data: join(place, 'data'), indexes: { main } }));
  return serve(place, ['--config', config]);
}

/** What an index serves of a package, with the provenance that its page announces where somebody attested it. */
async function documentsOf(
  { project, filename, bytes, documents }: Package,
  sigstore: TestSigstore | undefined,
): Promise<readonly (readonly [string, Uint8Array])[]> {
  if (sigstore === undefined) return documents;
  const path = `integrity/${project}/1.0/${filename}/provenance`;
  const attestation = await sigstore.attest({ filename, sha256: sha256Hex(bytes) });
  const announcing = documents.map(([at, document]) => {
    if (at !== `simple/${project}/`) return [at, document] as const;
    const page = JSON.parse(Buffer.from(document).toString());
    for (const file of page.files) file.provenance = `http://upstream.example/${path}`;
    return [at, Buffer.from(JSON.stringify(page))] as const;
  });
  return [...announcing, [path, provenanceOf(GITHUB_PUBLISHER, attestation)]];
}

const MEMORY_DISK = '/dev/shm';

/** uv, whose files and cache lie in memory where there is a disk in memory, and are empty each time. */
function installer(uvBin: string) {
  const place = mkdtempSync(join(existsSync(MEMORY_DISK) ? MEMORY_DISK : tmpdir(), 'verbatim-attested-'));
  return {
    async from(simple: string, set: readonly Package[]): Promise<number> {
      const [target, wanted] = [join(place, 'target'), join(place, 'requirements.txt')];
      rmSync(target, { recursive: true, force: true });
      writeFileSync(wanted, set.map(({ project }) => `${project}==1.0\n`).join(''));
      const { milliseconds: taken } = await run('env', [
        ...['-u', 'UV_INDEX_URL', '-u', 'UV_DEFAULT_INDEX', 'UV_NO_CONFIG=1', 'UV_LINK_MODE=copy', uvBin],
        ...['pip', 'install', '-q', '--no-cache', '--python', PYTHON, '--index-url', simple, '--target', target],
        ...['--only-binary', ':all:', '-r', wanted],
      ]);
      return taken;
    },
    end: () => rmSync(place, { recursive: true, force: true }),
  };
}
