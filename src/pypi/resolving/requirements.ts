import { MAX_REQUIREMENTS } from '../limits.ts';
import { normalizeName } from '../names.ts';
import { headOf } from './metadata-head.ts';

const HEADER = /^requires-dist:[ \t]*([^\r\n]*)/gim;
/** What a name may be made of (PEP 508); whether it is one, `normalizeName` says. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*/;
/** Extras, then a URL. */
const DIRECT = /^[ \t]*(?:\[[^\]]*\][ \t]*)?@/;

/**
 * The projects that core metadata requires (`Requires-Dist`, PEP 508), normalized, each once, at most MAX_REQUIREMENTS. Without those
 * that only an extra asks for, and those that are taken from a URL of their own: installers do not look for them here. What else a
 * marker asks for depends on the client, and is not judged.
 */
export function requiredProjects(metadata: Uint8Array): readonly string[] {
  const head = headOf(metadata);
  const found = new Set<string>();
  for (const [, requirement = ''] of head.matchAll(HEADER)) {
    if (found.size === MAX_REQUIREMENTS) break;
    const [name = ''] = NAME.exec(requirement) ?? [];
    const rest = requirement.slice(name.length);
    const marker = rest.slice(rest.indexOf(';') + 1);
    const isOfExtra = rest.includes(';') && /\bextra\b/.test(marker);
    const project = normalizeName(name);
    if (project !== undefined && !isOfExtra && !DIRECT.test(rest)) found.add(project);
  }
  return [...found];
}
