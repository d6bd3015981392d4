import { Refusal } from '../../bytes/refusal.ts';
import { MAX_DEPENDENCIES, MAX_METADATA_HEAD } from '../limits.ts';
import { normalizeName } from '../names.ts';
import { parseRequirement, type Requirement } from '../requirement/requirement.ts';
import { parseSpecifiers, type Specifiers } from '../requirement/specifier.ts';
import { headOf } from './metadata-head.ts';

/** What core metadata says of what must be installed besides, and where. */
export interface Dependencies {
  readonly requires: readonly Requirement[];
  /** Lines that are no requirement, as they are written. */
  readonly unreadable: readonly string[];
  /** Normalized. */
  readonly extras: ReadonlySet<string>;
  /** What is asked for where nobody names an extra (PEP 771). Normalized. */
  readonly defaultExtras: readonly string[];
  /** Undefined where it runs on any, or does not say in a way that can be read: installers take it for any. */
  readonly requiresPython: Specifiers | undefined;
}

const HEADER =
  /^(requires-dist|provides-extra|default-extra|requires-python):[ \t]*([^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*)/gim;

/** Throws Refusal `limit` where there is more than is read. */
export function dependenciesOf(metadata: Uint8Array): Dependencies {
  const head = headOf(metadata);
  if (head.length >= MAX_METADATA_HEAD) throw tooMuch(`its headers have more than ${MAX_METADATA_HEAD} bytes`);
  const requires: Requirement[] = [];
  const unreadable: string[] = [];
  const extras = new Set<string>();
  const defaultExtras = new Set<string>();
  let requiresPython: Specifiers | undefined;
  for (const [, name = '', folded = ''] of head.matchAll(HEADER)) {
    const value = folded.replace(/\r?\n[ \t]+/g, ' ').trim();
    switch (name.toLowerCase()) {
      case 'requires-dist': {
        const required = parseRequirement(value);
        if (required === undefined) unreadable.push(value);
        else requires.push(required);
        break;
      }
      case 'requires-python':
        requiresPython = parseSpecifiers(value);
        break;
      case 'provides-extra':
        extras.add(normalizeName(value) ?? value);
        break;
      default:
        defaultExtras.add(normalizeName(value) ?? value);
    }
    if (requires.length + unreadable.length + extras.size > MAX_DEPENDENCIES)
      throw tooMuch(`it requires more than ${MAX_DEPENDENCIES} things`);
  }
  return { requires, unreadable, extras, defaultExtras: [...defaultExtras], requiresPython };
}

function tooMuch(what: string): Refusal {
  return new Refusal('limit', `The core metadata is not read: ${what}.`, { subject: 'core-metadata' });
}
