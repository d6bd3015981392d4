import { anchorNames, decodeHtml } from './decode-html.ts';
import { decodeJson } from './decode-json.ts';
import { MAX_PROJECTS } from './limits.ts';
import { normalizeName } from './names.ts';
import type { ProjectPage } from './project-page.ts';
import { bad, isRecord, readJson, readMeta } from './read.ts';

export type Form = 'json' | 'html';

/** Bytes to a project page, in the form told or else the form they begin as. Refuses `format`, `foreign`, `limit`. */
export function decodePage(bytes: Uint8Array, project: string, form: Form = formOf(bytes)): ProjectPage {
  return form === 'json' ? decodeJson(bytes, project) : decodeHtml(bytes, project);
}

/** Bytes to the normalized names of a project list (PEP 503, 691), each once; lines that are no names are left out. */
export function decodeList(bytes: Uint8Array, form: Form = formOf(bytes)): readonly string[] {
  const listed = form === 'json' ? jsonNames(bytes) : anchorNames(bytes);
  if (listed.length > MAX_PROJECTS) throw bad(`The list names more than ${MAX_PROJECTS} projects.`);
  const names = listed.map((name) => normalizeName(name)).filter((name) => name !== undefined);
  return [...new Set(names)];
}

function jsonNames(bytes: Uint8Array): readonly string[] {
  const list = readJson(bytes);
  if (!isRecord(list) || !Array.isArray(list['projects'])) throw bad('The project list has no "projects".');
  readMeta(list);
  return list['projects'].map((project) =>
    isRecord(project) && typeof project['name'] === 'string' ? project['name'] : '',
  );
}

/** The first character that is no blank (or byte order mark) tells JSON from HTML. */
export function formOf(bytes: Uint8Array): Form {
  const blank = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);
  const first = bytes.find((byte) => !blank.has(byte));
  if (first === 0x7b) return 'json';
  if (first === 0x3c) return 'html';
  throw bad('The page is neither JSON nor HTML.');
}
