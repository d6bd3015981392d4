import { Refusal } from '../bytes/refusal.ts';
import { anchorNames, decodeHtml } from './decode-html.ts';
import { decodeJson } from './decode-json.ts';
import { MAX_LIST_VALUES, MAX_PROJECTS, MAX_PROJECTS_TEXT } from './limits.ts';
import { normalizeName } from './names.ts';
import type { ProjectPage } from './project-page.ts';
import { bad, isRecord, openPage, readMeta } from './read.ts';

export type Form = 'json' | 'html';

/** Bytes to a project page, in the form told or else the form they begin as. Refuses `format`, `foreign`, `limit`. */
export function decodePage(bytes: Uint8Array, project: string, form: Form = formOf(bytes)): ProjectPage {
  return form === 'json' ? decodeJson(bytes, project) : decodeHtml(bytes, project);
}

/** Bytes to the normalized names of a project list (PEP 503, 691), each once; lines that are no names are left out. */
export function decodeList(bytes: Uint8Array, form: Form = formOf(bytes)): readonly string[] {
  const names = new Set<string>();
  let listed = 0;
  let characters = 0;
  const add = (stated: string): void => {
    if (++listed > MAX_PROJECTS)
      throw new Refusal('limit', `The list names more than ${MAX_PROJECTS} projects.`, { subject: 'page' });
    const name = normalizeName(stated);
    if (name === undefined || names.has(name)) return;
    names.add(name);
    characters += name.length;
    if (characters > MAX_PROJECTS_TEXT)
      throw new Refusal('limit', `The names of the list have more than ${MAX_PROJECTS_TEXT} characters.`, {
        subject: 'page',
      });
  };
  if (form === 'json') jsonNames(bytes, add);
  else anchorNames(bytes, add);
  return [...names];
}

/**
 * What a list in JSON counts for its projects (PyPI's `_last-serial`), by normalized name; in HTML it counts nothing. Of a project that it has twice
 * it says nothing. Refuses `format`, `limit`.
 */
export function decodeSerials(bytes: Uint8Array, form: Form = formOf(bytes)): ReadonlyMap<string, number> {
  const serials = new Map<string, number>();
  if (form === 'html') return serials;
  const seen = new Set<string>();
  eachProject(bytes, (project) => {
    const name = isRecord(project) && typeof project['name'] === 'string' ? normalizeName(project['name']) : undefined;
    if (!isRecord(project) || name === undefined) return;
    const serial = project['_last-serial'];
    if (seen.has(name)) serials.delete(name);
    else if (typeof serial === 'number' && Number.isSafeInteger(serial) && serial > 0) serials.set(name, serial);
    seen.add(name);
  });
  return serials;
}

function jsonNames(bytes: Uint8Array, add: (name: string) => void): void {
  eachProject(bytes, (project) => add(isRecord(project) && typeof project['name'] === 'string' ? project['name'] : ''));
}

/** A second list of projects in one document, which parsers read differently, is refused. */
function eachProject(bytes: Uint8Array, visit: (project: unknown) => void): void {
  const json = openPage(bytes, MAX_LIST_VALUES);
  let meta: unknown;
  let isListed = false;
  if (json.kind !== 'object') throw bad('The project list is no object.');
  json.members((key) => {
    if (key === 'meta') meta = json.value();
    if (key !== 'projects' || json.kind !== 'array') return;
    if (isListed) throw bad('The project list has "projects" twice.');
    isListed = true;
    json.elements(() => visit(json.pieceOrNone()?.value));
  });
  json.end();
  if (!isListed) throw bad('The project list has no "projects".');
  readMeta(meta);
}

/** The first character that is no blank (or byte order mark) tells JSON from HTML. */
export function formOf(bytes: Uint8Array): Form {
  const blank = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);
  const first = bytes.find((byte) => !blank.has(byte));
  if (first === 0x7b) return 'json';
  if (first === 0x3c) return 'html';
  throw bad('The page is neither JSON nor HTML.');
}
