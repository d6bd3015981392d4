import { MAX_METADATA_HEAD, MAX_REQUIREMENTS } from '../limits.ts';
import { normalizeName } from '../names.ts';

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

/** The headers, without the description behind them. */
function headOf(metadata: Uint8Array): string {
  const text = Buffer.from(metadata.subarray(0, MAX_METADATA_HEAD)).toString('latin1');
  const end = /\r?\n\r?\n/.exec(text)?.index;
  return end === undefined ? text : text.slice(0, end);
}
