import { ALGORITHMS, type Algorithm, type Digests } from '../../bytes/digest.ts';
import { LEFT_OUT, type LeftOutReason } from '../../ports/left-out.ts';
import type { JudgedFile, JudgedPage } from '../../pypi/listing.ts';
import type { FilePlace } from './strange-hosts.ts';

// Beside a drawn page, under the same seal: lines of its own note, an empty line, and what pins and rules judge it by, a line a file.

/** A page with more files is found again by the very pins that it was drawn by, or not at all: all of them are read in one go. */
const MOST_FILES = 5000;
const PINS = 'pins ';
const HIDDEN = 'hidden';
const AT = '@';
const AT_UNPROVED = '@unproved';
const END = '\n\n';
/** Between two parts of a line, and of what has none. */
const TAB = '\t';
const NONE = '-';

/** What a drawn page is stored with: all that tells whether it would be drawn so here, and what to tell of it. */
export interface DrawnNote {
  /** Names the pins that it was drawn by. */
  readonly pins: string;
  /** It is drawn without any file: the rules say so of all of them. */
  readonly hidden: boolean;
  readonly leftOut: ReadonlyMap<LeftOutReason, number>;
  readonly places: readonly FilePlace[];
}

export function noteText({ pins, hidden, leftOut, places }: DrawnNote, judged: JudgedPage): string {
  const reasons = [...leftOut].map(([why, count]) => `${why} ${count}`);
  const where = places.map(({ origin, unproved, files }) => `${unproved ? AT_UNPROVED : AT} ${files} ${origin}`);
  const head = [`${PINS}${pins}`, ...(hidden ? [HIDDEN] : []), ...reasons, ...where].join('\n');
  return `${head}${END}${judgedText(judged)}`;
}

/** What `noteText` wrote, as far as it is told of. */
export function readNote(text: string): DrawnNote {
  const leftOut = new Map<LeftOutReason, number>();
  const places: FilePlace[] = [];
  const [pins = '', ...lines] = text.slice(0, text.indexOf(END)).split('\n');
  for (const line of lines) {
    const [name, count, origin] = line.split(' ');
    const why = LEFT_OUT.find((known) => known === name);
    if (why !== undefined) leftOut.set(why, Number(count));
    else if (origin !== undefined) places.push({ origin, unproved: name === AT_UNPROVED, files: Number(count) });
  }
  return { pins: pins.slice(PINS.length), hidden: lines.includes(HIDDEN), leftOut, places };
}

/** The same of what is judged; undefined where it is not written down. */
export function readJudged(name: string, text: string): JudgedPage | undefined {
  const [first = '', ...lines] = text.slice(text.indexOf(END) + END.length).split('\n');
  if (first === '') return undefined;
  const [status = NONE, reason = NONE] = first.split(TAB);
  const files = new Map<string, JudgedFile>();
  for (const line of lines) {
    const file = readFile(line);
    if (file === undefined) return undefined;
    files.set(file.entry.filename, file);
  }
  const projectStatus = status === NONE ? undefined : { status, ...(reason === NONE ? {} : { reason }) };
  return { name, projectStatus, files };
}

/** Empty for what is too much, or cannot be written in lines and read again as it was. */
function judgedText({ projectStatus, files }: JudgedPage): string {
  if (files.size > MOST_FILES) return '';
  const first = [projectStatus?.status ?? NONE, projectStatus?.reason ?? NONE];
  const lines = [first, ...[...files.values()].map(fieldsOf)];
  const isPlain = lines.flat().every((field) => field !== '' && !/[\t\n]/.test(field) && field.isWellFormed());
  return isPlain ? lines.map((fields) => fields.join(TAB)).join('\n') : '';
}

function fieldsOf({ path, entry }: JudgedFile): readonly string[] {
  const { filename, digests, coreMetadata, uploadTime = NONE } = entry;
  const core = typeof coreMetadata === 'object' ? digestsText(coreMetadata) : NONE;
  return [filename, path, digestsText(digests), core, uploadTime];
}

function readFile(line: string): JudgedFile | undefined {
  const [filename, path, digests = NONE, core = NONE, time = NONE] = line.split(TAB);
  const [known, coreMetadata] = [readDigests(digests), readDigests(core)];
  if (filename === undefined || path === undefined || known === undefined || coreMetadata === undefined)
    return undefined;
  const uploadTime = time === NONE ? undefined : time;
  return {
    path,
    entry: { filename, digests: known, coreMetadata: core === NONE ? undefined : coreMetadata, uploadTime },
  };
}

function digestsText(digests: Digests): string {
  return digests.size === 0 ? NONE : [...digests].map(([algorithm, hex]) => `${algorithm} ${hex}`).join(' ');
}

function readDigests(text: string): Digests | undefined {
  const digests = new Map<Algorithm, string>();
  if (text === NONE) return digests;
  const words = text.split(' ');
  for (let at = 0; at < words.length; at += 2) {
    const algorithm = ALGORITHMS.find((known) => known === words[at]);
    const hex = words[at + 1];
    if (algorithm === undefined || hex === undefined) return undefined;
    digests.set(algorithm, hex);
  }
  return digests;
}
