import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ArchiveWriter } from '../../advisories/archive.ts';
import { MAX_ARCHIVE, MAX_RECORD } from '../../advisories/limits.ts';
import { internalCaller } from '../../async/caller.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { AdvisoriesConfig } from '../../config/advisories/schema.ts';
import { createUpstream, type HttpUpstream } from '../../upstream/client.ts';
import { LIMITS } from '../../upstream/limits.ts';
import { VERSION } from '../../version.ts';
import { authorities } from '../upstream-options.ts';

/** For everything: an archive of hundreds of megabytes may be slow. Milliseconds. */
const LONGEST_FETCH = 15 * 60_000;

/** Where archives of advisories come from. */
export interface Source {
  /** For people. */
  readonly place: string;
  /** It lies on this machine. */
  readonly local: boolean;
  /** The archive; undefined where it is what it was at the last look, unless it is wanted `anew`. Throws Refusal. */
  look(anew: boolean): Promise<Uint8Array | undefined>;
  close(): void;
}

interface SourceOptions {
  readonly offline: boolean;
  readonly contact: string | undefined;
}

export function sourceOf({ from, ca }: AdvisoriesConfig, options: SourceOptions): Source {
  if ('folder' in from) return local(from.folder, () => packFolder(from.folder));
  if ('archive' in from) return local(from.archive, () => readArchive(from.archive));
  if ('carried' in from) return CARRIED;
  const upstream = createUpstream({
    bases: [from.address],
    ca: ca === undefined ? undefined : authorities(ca),
    version: VERSION,
    contact: options.contact,
    limits: { documents: { ...LIMITS.documents, deadline: LONGEST_FETCH } },
    offline: options.offline,
  });
  return new Fetched(from.address, upstream);
}

/** An import keeps what bundles bring, and everybody follows what is kept. */
const CARRIED: Source = {
  place: 'carried in bundles',
  local: true,
  async look(anew) {
    if (!anew) return undefined;
    throw new Refusal(
      'unlisted',
      'No bundle has brought any that can be read: import one that carries advisories, or the last one again',
      { subject: 'file' },
    );
  },
  close: () => undefined,
};

function local(place: string, look: () => Promise<Uint8Array>): Source {
  return {
    place,
    local: true,
    look: () => look().catch((error: unknown) => Promise.reject(unreadable(place, error))),
    close: () => undefined,
  };
}

/** Keeps the validator of what it brought last. */
class Fetched implements Source {
  readonly place: string;
  readonly local = false;
  readonly #upstream: HttpUpstream;
  #etag: string | undefined;

  constructor(place: string, upstream: HttpUpstream) {
    this.place = place;
    this.#upstream = upstream;
  }

  async look(anew: boolean): Promise<Uint8Array | undefined> {
    const request = {
      url: this.place,
      limit: MAX_ARCHIVE,
      etag: anew ? undefined : this.#etag,
      fresh: false,
      held: true,
    };
    const answer = await this.#upstream.document(request, internalCaller(''));
    if (answer.kind === 'unchanged') return undefined;
    if (answer.kind === 'absent')
      throw new Refusal('unlisted', `There is no feed of advisories at ${this.place}.`, { subject: 'file' });
    this.#etag = answer.etag;
    return answer.bytes;
  }

  close(): void {
    this.#upstream.close();
  }
}

async function readArchive(path: string): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > MAX_ARCHIVE)
    throw new Refusal('limit', `${path} has more than ${MAX_ARCHIVE} bytes.`, { subject: 'file' });
  return readFile(path);
}

/** What is too large for an advisory goes in cut: it is counted and named as what cannot be read. */
async function packFolder(path: string): Promise<Uint8Array> {
  const names = (await readdir(path, { recursive: true })).filter((name) => name.endsWith('.json')).sort();
  const writer = new ArchiveWriter();
  const parts: Buffer[] = [];
  for (const name of names) {
    const found = await stat(join(path, name));
    if (!found.isFile()) continue;
    parts.push(writer.add(name, found.size > MAX_RECORD ? Buffer.alloc(0) : await readFile(join(path, name))));
  }
  return Buffer.concat([...parts, writer.end()]);
}

function unreadable(place: string, error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new Refusal('state', `${place} cannot be read: ${why}`, { subject: 'file', cause: error });
}
