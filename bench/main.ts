import { client } from './client.ts';
import { cold } from './cold.ts';
import { file } from './file.ts';
import { herd } from './herd.ts';
import { hostileRoot } from './hostile-root.ts';
import { indexMemory } from './index-memory.ts';
import { install } from './install.ts';
import { largePages } from './large-page.ts';
import { memory } from './memory.ts';
import { neighbours } from './neighbours.ts';
import { page } from './page.ts';
import { restart } from './restart.ts';
import { snapshot } from './snapshot.ts';
import { soak } from './soak.ts';
import { writeReport } from './support/report.ts';
import { type Measure, markdown, type Row } from './support/table.ts';

// `npm run bench` takes every figure and writes docs/performance.md; `npm run bench -- NAME …` takes and prints some.

const MEASURES: Readonly<Record<string, Measure>> = {
  page,
  file,
  snapshot,
  root: hostileRoot,
  cold,
  client,
  herd,
  memory,
  restart,
  'large-page': largePages,
  neighbours,
  install,
  'index-memory': indexMemory,
  soak,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(MEASURES, name));
if (unknown.length > 0) {
  console.error(`There is no measure ${unknown.join(', ')}. There are: ${Object.keys(MEASURES).join(', ')}.`);
  process.exit(1);
}
const rows: Row[] = [];
for (const [name, measure] of Object.entries(MEASURES))
  if (asked.length === 0 || asked.includes(name)) rows.push(...(await measure((text) => console.error(text))));
console.log(markdown(rows));
if (asked.length === 0) writeReport(rows);
if (rows.some(({ held }) => held === false)) process.exitCode = 1;
