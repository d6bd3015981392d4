import { parseInstant } from '../bytes/instant.ts';
import { isLoopback } from '../bytes/loopback.ts';
import { Refusal } from '../bytes/refusal.ts';
import { MAX_FILES, MAX_URL } from './limits.ts';
import { belongsTo, isProjectFile } from './names.ts';
import { countFaults, type Entry, type Fault, type FaultyLine, type LeftOut } from './project-page.ts';

// What both decoders hold a line of a page to.

/** Gathers the lines of one page: what can be served, and what was left out by why. */
export interface Gathering {
  add(line: Entry | FaultyLine): void;
  /** Something beside the lines was left out. */
  lacks(fault: Fault): void;
  files(): readonly Entry[];
  readonly leftOut: LeftOut;
}

/** The first line of a file name counts; more lines than any project has are refused (`limit`). */
export function gatherEntries(project: string): Gathering {
  const faults = countFaults();
  const files = new Map<string, Entry>();
  let lines = 0;
  return {
    add(line) {
      if (++lines > MAX_FILES)
        throw new Refusal('limit', `The page lists more than ${MAX_FILES} files.`, { subject: 'page' });
      if ('why' in line) return faults.add(line);
      const { filename: name } = line;
      const why = faultOf(line, project);
      if (why !== undefined) faults.add({ why, name });
      else if (files.has(name)) faults.add({ why: 'duplicate', name });
      else files.set(name, line);
    },
    lacks: (why) => faults.add({ why, name: '' }),
    files: () => [...files.values()],
    leftOut: faults.leftOut,
  };
}

/** Why this line cannot be served for this project, or undefined. */
function faultOf(entry: Entry, project: string): Fault | undefined {
  if (!isProjectFile(entry.filename)) return 'filename';
  if (!belongsTo(entry.filename, project)) return 'foreign';
  return mayBeLink(entry.url) ? undefined : 'url';
}

/** A relative reference or http(s); what it points at is judged once the page's own URL is known (links.ts). */
function mayBeLink(url: string): boolean {
  if (url === '' || url.length > MAX_URL) return false;
  // A URL parser skips leading blanks and every tab and line break: `java\nscript:` is a scheme.
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url.replace(/^[\u0000-\u0020]+|[\t\n\r]+/g, ''))?.[1];
  return scheme === undefined || /^https?$/i.test(scheme);
}

/** PEP 700: a length this program can count to. */
export function readSize(size: unknown): number | undefined {
  return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined;
}

const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})$/;

/** PEP 700: kept to the character, or not at all: one malformed time makes uv refuse the whole page. */
export function readTime(time: unknown): string | undefined {
  if (typeof time !== 'string' || !TIME.test(time) || Number.isNaN(Date.parse(time))) return undefined;
  return parseInstant(`${time.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}Z`) === undefined ? undefined : time;
}

/** PEP 740: an absolute URL of a secure origin, never relative; by plain http that is loopback alone. */
export function readProvenance(url: unknown): string | undefined {
  if (typeof url !== 'string' || url.length > MAX_URL || !/^https?:\/\//i.test(url)) return undefined;
  const parsed = URL.parse(url);
  if (parsed === null) return undefined;
  return parsed.protocol === 'https:' || isLoopback(parsed.hostname) ? url : undefined;
}
