import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

// Reads what NODE_V8_COVERAGE left of a test run (workers, threads and child processes alike), and says how much of the
// code of src ran, room by room. Fails where a room is below its floor in test/coverage.json; `*` is for the others.
//
//     node scripts/coverage.ts FOLDER           the rooms
//     node scripts/coverage.ts FOLDER --missed  and before them every piece that never ran

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const FLOORS = join(ROOT, 'test', 'coverage.json');

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

interface Script {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

/** One source file: its text, what of it can run (types and comments are blanks there), and whether each character did. */
interface Source {
  readonly text: string;
  readonly code: string;
  readonly ran: Uint8Array;
}

function* sourceFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sourceFiles(path);
    else if (entry.name.endsWith('.ts')) yield path;
  }
}

function codeOf(text: string): string {
  return stripTypeScriptTypes(text).replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, (comment) => ' '.repeat(comment.length));
}

/** Adds one process's word. Types are stripped to blanks, so that its offsets are those of the file. */
function add({ text, ran }: Source, { functions }: Script): void {
  // Ranges come outermost first; each overrules what it lies in.
  const here = new Uint8Array(text.length);
  for (const { ranges } of functions)
    for (const { startOffset, endOffset, count } of ranges) here.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  for (let at = 0; at < here.length; at++) if (here[at] === 1) ran[at] = 1;
}

/** None where the process was killed while it wrote, as tests of crashes do. */
function scriptsOf(text: string): readonly Script[] {
  try {
    return (JSON.parse(text) as { readonly result: readonly Script[] }).result;
  } catch {
    return [];
  }
}

function read(folder: string): ReadonlyMap<string, Source> {
  const sources = new Map<string, Source>();
  for (const path of sourceFiles(join(ROOT, 'src'))) {
    const text = readFileSync(path, 'utf8');
    sources.set(path, { text, code: codeOf(text), ran: new Uint8Array(text.length) });
  }
  for (const name of readdirSync(folder))
    for (const script of scriptsOf(readFileSync(join(folder, name), 'utf8'))) {
      const source = script.url.startsWith('file:') ? sources.get(fileURLToPath(script.url)) : undefined;
      if (source !== undefined) add(source, script);
    }
  return sources;
}

interface Share {
  ran: number;
  all: number;
}

function share({ code, ran }: Source): Share {
  const counted: Share = { ran: 0, all: 0 };
  for (let at = 0; at < code.length; at++) {
    if (code[at]?.trim() === '') continue;
    counted.all++;
    counted.ran += ran[at] ?? 0;
  }
  return counted;
}

/** The room of a file: its folder below src, or src for what lies in none. */
function roomOf(path: string): string {
  const parts = relative(join(ROOT, 'src'), path).split(sep);
  return parts.length === 1 ? '.' : parts.slice(0, -1).join('/');
}

function printMissed(path: string, { text, code, ran }: Source): void {
  for (let at = 0; at < code.length; at++) {
    if (ran[at] === 1 || code[at]?.trim() === '') continue;
    let end = at;
    while (end < code.length && ran[end] !== 1) end++;
    const line = text.slice(0, at).split('\n').length;
    const piece = code.slice(at, end).replaceAll(/\s+/g, ' ').slice(0, 100);
    console.log(`${relative(ROOT, path)}:${line}: ${piece}`);
    at = end;
  }
}

function main([folder, flag]: readonly string[]): void {
  if (folder === undefined || !existsSync(folder))
    throw new Error('Run the tests first, with NODE_V8_COVERAGE: npm run coverage does both.');
  const rooms = new Map<string, Share>();
  for (const [path, source] of read(folder)) {
    const room = rooms.get(roomOf(path)) ?? { ran: 0, all: 0 };
    const own = share(source);
    rooms.set(roomOf(path), { ran: room.ran + own.ran, all: room.all + own.all });
    if (flag === '--missed') printMissed(path, source);
  }
  const floors = new Map(Object.entries(JSON.parse(readFileSync(FLOORS, 'utf8')) as Record<string, number>));
  for (const [room, { ran, all }] of [...rooms].sort()) {
    const percent = all === 0 ? 100 : (100 * ran) / all;
    const floor = floors.get(room) ?? floors.get('*') ?? 100;
    if (percent < floor) process.exitCode = 1;
    const fault = percent < floor ? `  is below its floor of ${floor} %` : '';
    console.log(`${percent.toFixed(1).padStart(6)} %  ${room}${fault}`);
  }
  for (const room of floors.keys())
    if (room !== '*' && !rooms.has(room)) {
      console.log(`There is no room ${room}, but a floor for it.`);
      process.exitCode = 1;
    }
}

main(process.argv.slice(2));
