import type { ContentPath } from '../bytes/content-path.ts';
import type { Digests } from '../bytes/digest.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Layout, Place } from './layouts.ts';

/** Names and URLs that follow from a resolved layout. Projects are normalized names. */

export interface FileName {
  readonly project: string;
  readonly filename: string;
  readonly content?: ContentPath | undefined;
}

export type TargetKind =
  | { readonly kind: 'page'; readonly project: string }
  | { readonly kind: 'file' }
  | { readonly kind: 'list' };

/** The target path of a project page; undefined where the layout has no pages. */
export function pageTarget(layout: Layout, project: string): string | undefined {
  return layout.pages && fill(layout.pages.target, { project });
}

/** The target path of a file; undefined where it cannot be told from what is known, or files are no targets. */
export function fileTarget(layout: Layout, file: FileName): string | undefined {
  if (layout.files.target === undefined) return undefined;
  return fill(layout.files.target, { project: file.project, filename: file.filename, ...file.content });
}

/** What a target path is, so that its base and its prefix are known. Whatever is neither page nor list counts as a file. */
export function kindOfTarget(layout: Layout, path: string): TargetKind {
  if (path === layout.list) return { kind: 'list' };
  const project = layout.pages && projectOf(layout.pages.target, path);
  return project === undefined ? { kind: 'file' } : { kind: 'page', project };
}

/**
 * Where a target's bytes may be, best guess first; whatever comes back is proved, so a wrong guess costs a request only.
 * Every listed digest is tried as HASH.name on the last segment, in listed order (TUF §5.7.3).
 */
export function targetUrls(layout: Layout, path: string, digests: Digests, consistentSnapshot: boolean): string[] {
  checkPath(path);
  const kind = kindOfTarget(layout, path);
  const place: Place = kind.kind === 'file' || layout.pages === undefined ? layout.files : layout.pages;
  const hashes = [...digests.values()];
  const cut = path.lastIndexOf('/') + 1;
  const names = kind.kind === 'page' ? storedNames(layout, kind.project, hashes) : [];
  if (consistentSnapshot && place.prefix)
    names.push(...hashes.map((hash) => `${path.slice(0, cut)}${hash}.${path.slice(cut)}`));
  else names.push(path);
  return names.flatMap((name) => spellings(name).map((spelled) => place.base + spelled));
}

function storedNames(layout: Layout, project: string, hashes: readonly string[]): string[] {
  return (layout.pages?.storedAt ?? []).flatMap((template) => {
    const names = template.includes('{hash}')
      ? hashes.map((hash) => fill(template, { project, hash }))
      : [fill(template, { project })];
    return names.filter((name) => name !== undefined);
  });
}

/** The URL that relative links in a project's page are relative to; undefined where the layout has no pages. */
export function pageBaseUrl(layout: Layout, project: string): string | undefined {
  return layout.pages && `${layout.pages.base}${fill(layout.pages.seenAt, { project }) ?? ''}`;
}

/** `N.ROLE.json`, or `ROLE.json` where no version is given; the role's name is one path segment, as python-tuf escapes it. */
export function metadataUrl(layout: Layout, role: string, version: number | undefined): string {
  const name = `${escapeSegment(role, encodeURIComponent).replace(/[!'()*]/g, hexEscape)}.json`;
  return layout.metadata + (version === undefined ? name : `${version}.${name}`);
}

function fill(template: string, values: Readonly<Record<string, string | undefined>>): string | undefined {
  let whole = true;
  const filled = template.replace(/\{([a-z]+)\}/g, (_, key: string) => {
    const value = Object.hasOwn(values, key) ? values[key] : undefined;
    if (value === undefined) whole = false;
    return value ?? '';
  });
  return whole ? filled : undefined;
}

/** The project a page's target path names, where the path is the template filled with one normalized name. */
function projectOf(template: string, path: string): string | undefined {
  const start = template.indexOf('{project}');
  if (start < 0 || !path.startsWith(template.slice(0, start))) return undefined;
  const project = /^[a-z0-9]+(?:-[a-z0-9]+)*/.exec(path.slice(start))?.[0];
  return project !== undefined && fill(template, { project }) === path ? project : undefined;
}

/** A path that a URL would shorten (a segment `.`, `..` or empty) names something else on the way: refused. */
function checkPath(path: string): void {
  if (path.split('/').some((segment) => segment === '' || segment === '.' || segment === '..'))
    throw new Refusal('format', `The target path ${JSON.stringify(path)} cannot be asked for: a URL would change it.`);
}

/** As a URL spells it; then, where it holds what looks like an escape (`a%41`), as clients that escape no percent sign send it. */
function spellings(path: string): readonly string[] {
  const escaped = escapePath(path);
  const literal = escaped.replaceAll(/%25(?=[0-9a-f]{2})/gi, '%');
  return literal !== escaped && literal.split('/').every(isPlainSegment) ? [escaped, literal] : [escaped];
}

/** A server that decodes it finds one name there, and no way up. */
function isPlainSegment(segment: string): boolean {
  try {
    const decoded = decodeURIComponent(segment);
    return decoded !== '.' && decoded !== '..' && !/[/\\\u0000-\u001f\u007f]/.test(decoded);
  } catch {
    return false;
  }
}

/** What clients send alike stays as they send it (`+`, `!`, `@` …); what would end the path (`?`, `#`) is escaped. */
function escapePath(path: string): string {
  return escapeSegment(path, encodeURI).replace(/[?#]/g, hexEscape);
}

function escapeSegment(segment: string, by: (text: string) => string): string {
  try {
    return by(segment);
  } catch (cause) {
    throw new Refusal('format', 'The name contains an unpaired surrogate, so it has no URL.', { cause });
  }
}

function hexEscape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
