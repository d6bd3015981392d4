import { Refusal } from '../bytes/refusal.ts';
import { anchorsOf } from './decode-html.ts';
import { MAX_FILES } from './limits.ts';
import { projectCandidates, versionOf } from './names.ts';

// One page with the files of all projects, as `pip --find-links` reads it.

/** By normalized name: a page of the project alone, its links absolute. Refuses `format`, `limit`. */
export function splitFlatPage(bytes: Uint8Array, pageUrl: string): ReadonlyMap<string, Uint8Array> {
  const { base, anchors } = anchorsOf(bytes);
  const at = (base === undefined ? undefined : URL.parse(base, pageUrl)?.href) ?? pageUrl;
  const lines = new Map<string, string[]>();
  let count = 0;
  for (const { filename, attributes } of anchors) {
    const project = projectOf(filename);
    const url = URL.parse(attributes.get('href') ?? '', at);
    if (project === undefined || url === null) continue;
    if (++count > MAX_FILES)
      throw new Refusal('limit', `The page lists more than ${MAX_FILES} files.`, { subject: 'page' });
    const known = lines.get(project);
    const line = anchor(url.href, attributes);
    if (known === undefined) lines.set(project, [line]);
    else known.push(line);
  }
  return new Map([...lines].map(([project, own]) => [project, Buffer.from(`<!DOCTYPE html>\n${own.join('\n')}\n`)]));
}

/** A file name may be read as that of several projects: the one whose version begins as versions do. */
function projectOf(filename: string): string | undefined {
  const candidates = projectCandidates(filename);
  return candidates.find((project) => /^v?[0-9]/.test(versionOf(filename, project) ?? '')) ?? candidates[0];
}

function anchor(href: string, attributes: ReadonlyMap<string, string>): string {
  const own = [...attributes].filter(([name]) => /^data-[a-z-]+$/.test(name));
  const all = [['href', href] as const, ...own];
  return `<a ${all.map(([name, value]) => `${name}="${escaped(value)}"`).join(' ')}></a>`;
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;');
}
