import { z } from 'zod';
import { sha256Hex } from '../bytes/digest.ts';
import { openJson } from '../bytes/json-pieces.ts';
import { MAX_RECORD_DEPTH } from './limits.ts';
import type { Advisory, Affected, Bound } from './record.ts';

// What is known of one project, as bytes: a feed's millions of versions are unpacked project by project, when one is asked for.

/** One advisory as far as it speaks of one project. */
export interface PackedAdvisory {
  readonly id: string;
  readonly modified: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly affected: readonly Omit<Affected, 'project'>[];
}

/** Where one project lies among the packed bytes; `mark` changes with what is known of it. */
export interface PackedPlace {
  readonly start: number;
  readonly end: number;
  readonly mark: string;
}

export interface Packed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly places: readonly (readonly [project: string, place: PackedPlace])[];
}

/** Takes advisories, gives them project by project. */
export class Packer {
  readonly #projects = new Map<string, Map<string, Buffer>>();

  add({ id, modified = '', aliases, summary, affected, withdrawn }: Advisory): void {
    if (withdrawn) return;
    for (const [project, all] of Map.groupBy(affected, (each) => each.project)) {
      const known = this.#projects.get(project) ?? new Map<string, Buffer>();
      const packed = all.map(({ versions, ranges, all }) => [versions, ranges, all]);
      known.set(id, Buffer.from(JSON.stringify([id, modified, aliases, summary, packed])));
      this.#projects.set(project, known);
    }
  }

  pack(): Packed {
    const parts: Buffer[] = [];
    const places: (readonly [string, PackedPlace])[] = [];
    let start = 0;
    for (const [project, known] of this.#projects) {
      const lines = [...known].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, line]) => line);
      const bytes = Buffer.from(`[${lines.join(',')}]`);
      parts.push(bytes);
      places.push([project, { start, end: start + bytes.byteLength, mark: sha256Hex(bytes).slice(0, 16) }]);
      start += bytes.byteLength;
    }
    const bytes = new Uint8Array(start);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.byteLength;
    }
    return { bytes, places };
  }
}

const bound = z.tuple([z.enum(['introduced', 'fixed', 'last_affected', 'limit']), z.string()]);
const line = z.tuple([
  z.string(),
  z.string(),
  z.array(z.string()),
  z.string(),
  z.array(z.tuple([z.array(z.string()), z.array(z.array(bound)), z.boolean()])),
]);
const lines = z.array(line);

/** What a `Packer` made of one project. */
export function unpack(bytes: Uint8Array): readonly PackedAdvisory[] {
  const limits = { what: 'What is known of a project', subject: 'state', depth: MAX_RECORD_DEPTH } as const;
  const most = Number.MAX_SAFE_INTEGER;
  const value = openJson(bytes, { ...limits, values: most, piece: most }).value();
  return lines.parse(value).map(([id, modified, aliases, summary, affected]) => ({
    id,
    modified,
    aliases,
    summary,
    affected: affected.map(([versions, ranges, all]) => ({ versions, ranges: ranges satisfies Bound[][], all })),
  }));
}
