import { application } from './application.ts';
import { bucket } from './bucket.ts';
import { carry } from './carry.ts';
import { client } from './client.ts';
import { cold } from './cold.ts';
import { coldInstall } from './cold-install.ts';
import { coldRequests } from './cold-requests.ts';
import { compareBuilds, GROUP_NAMES } from './compare/compare.ts';
import { crawl } from './crawl.ts';
import { file } from './file.ts';
import { fileTls } from './file-tls.ts';
import { herd } from './herd.ts';
import { hostileRoot } from './hostile-root.ts';
import { importing } from './import.ts';
import { indexMemory } from './index-memory.ts';
import { install } from './install.ts';
import { largePages } from './large-page.ts';
import { memory } from './memory.ts';
import { neighbours } from './neighbours.ts';
import { page } from './page.ts';
import { projectList } from './project-list.ts';
import { provenance } from './provenance.ts';
import { redisPage } from './redis-page.ts';
import { restart } from './restart.ts';
import { scrape } from './scrape.ts';
import { simulate } from './simulate.ts';
import { snapshot } from './snapshot.ts';
import { soak } from './soak.ts';
import { stampede } from './stampede.ts';
import { writeReport } from './support/report.ts';
import { type Measure, markdown, type Row } from './support/table.ts';
import { sync } from './sync.ts';
import { tls } from './tls.ts';
import { workers } from './workers.ts';

// `npm run bench` takes every figure and writes docs/performance.md; `npm run bench -- NAME …` takes and prints some.
// `npm run bench -- compare COMMIT` (or a directory with another build) takes that build's figures and this one's in turns,
// and writes them there too; with names of groups after it, it takes and prints some.

const MEASURES: Readonly<Record<string, Measure>> = {
  page,
  tls,
  file,
  workers,
  'file-tls': fileTls,
  bucket,
  snapshot,
  root: hostileRoot,
  cold,
  client,
  herd,
  'redis-page': redisPage,
  stampede,
  memory,
  restart,
  'project-list': projectList,
  'large-page': largePages,
  application,
  neighbours,
  install,
  'cold-install': coldInstall,
  'cold-requests': coldRequests,
  'index-memory': indexMemory,
  scrape,
  provenance,
  simulate,
  sync,
  import: importing,
  carry,
  crawl,
  soak,
};

/** Taken only where they are named: they take minutes, or half an hour. */
const LONG: ReadonlySet<string> = new Set(['crawl', 'soak']);

const log = (text: string) => console.error(text);
const asked = process.argv.slice(2);
const rows = asked[0] === 'compare' ? await compareWith(asked[1], asked.slice(2)) : await take(asked);
console.log(markdown(rows));
if (rows.some(({ held }) => held === false)) process.exitCode = 1;

async function take(names: readonly string[]): Promise<readonly Row[]> {
  refuseUnknown('measure', names, Object.keys(MEASURES));
  const rows: Row[] = [];
  for (const [name, measure] of Object.entries(MEASURES))
    if (names.includes(name) || (names.length === 0 && !LONG.has(name))) rows.push(...(await taken(name, measure)));
  if (names.length === 0) writeReport('npm run bench', rows);
  return rows;
}

/** What cannot be taken is told, and takes nothing from the others. */
async function taken(name: string, measure: Measure): Promise<readonly Row[]> {
  try {
    return await measure(log);
  } catch (error) {
    log(`*** ${name} could not be taken: ${error instanceof Error ? error.stack : error}`);
    process.exitCode = 1;
    return [];
  }
}

async function compareWith(of: string | undefined, groups: readonly string[]): Promise<readonly Row[]> {
  if (of === undefined) {
    console.error('Name a commit, or a directory with another build: npm run bench -- compare COMMIT');
    process.exit(1);
  }
  refuseUnknown('group', groups, GROUP_NAMES);
  const rows = await compareBuilds(of, groups.length === 0 ? GROUP_NAMES : groups, log);
  if (groups.length === 0) writeReport('npm run bench -- compare', rows);
  return rows;
}

function refuseUnknown(kind: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  console.error(`There is no ${kind} ${unknown.join(', ')}. There are: ${known.join(', ')}.`);
  process.exit(1);
}
