import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { z } from 'zod';
import { sha256Hex } from '../bytes/digest.ts';
import type { PageContent, PageFloor, PageState } from '../ports/index-state.ts';
import { decodeFramed, encodeFramed } from './framed.ts';
import type { ItemKind } from './item.ts';
import { PAGE_BYTES } from './limits.ts';

// One project's page as it is written down: a line of JSON, then upstream's exact bytes, compressed. Both in one value, so
// that neither is ever newer than the other.

const Text = z.union([z.string(), z.undefined()]).optional();
const Serial = z.int().nonnegative().optional();
const PageHeader = z.strictObject({
  project: z.string(),
  url: z.string().optional(),
  contentType: z.string(),
  etag: z.string().optional(),
  serial: Serial,
  seenSerial: Serial,
  fetchedAt: z.int(),
  confirmedAt: z.int(),
  maxAge: z.number().optional(),
  twice: z.boolean(),
  fetch: z.string(),
  accepted: z
    .array(z.strictObject({ kind: z.string(), file: Text, after: Text }))
    .readonly()
    .optional(),
  /** Of the body as upstream sent it. */
  sha256: z.string(),
  size: z.int().nonnegative(),
});
const GoneHeader = z.strictObject({ project: z.string(), gone: z.literal(true), serial: Serial });
const Header = z.union([PageHeader, GoneHeader]);

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);
/** A page of JSON shrinks to a fifth at this level, and no other gives more for its time. */
const LEVEL = 3;

export function pageKind(project: string): ItemKind<PageState> {
  return {
    what: `the last page of ${project} that was believed`,
    encode: (state) => (state.page === undefined ? encodeGone(project, state.gone) : encodePage(state.page)),
    async decode(value) {
      const framed = decodeFramed(value);
      const header = Header.safeParse(framed?.header).data;
      if (framed === undefined || header?.project !== project) return undefined;
      if ('gone' in header) return { gone: { serial: header.serial } };
      const { sha256, size, etag, serial, seenSerial, ...rest } = header;
      const bytes = await bodyOf(framed.body, size);
      if (bytes === undefined || sha256Hex(bytes) !== sha256) return undefined;
      return { page: { ...rest, etag, serial, seenSerial, bytes } };
    },
  };
}

/** Member by member: whoever hands a page over may know more of it than is to be written down. */
async function encodePage(page: PageContent): Promise<Uint8Array> {
  const { bytes, project, url, contentType, etag, serial, seenSerial, fetchedAt, confirmedAt, maxAge, twice } = page;
  const accepted = page.accepted?.map(({ kind, file, after }) => ({ kind, file, after }));
  const header: z.input<typeof PageHeader> = {
    project,
    url,
    contentType,
    etag,
    serial,
    seenSerial,
    fetchedAt,
    confirmedAt,
    maxAge,
    twice,
    fetch: page.fetch,
    accepted: accepted?.length === 0 ? undefined : accepted,
    sha256: sha256Hex(bytes),
    size: bytes.byteLength,
  };
  return encodeFramed(header, await deflate(bytes, { level: LEVEL }));
}

function encodeGone(project: string, { serial }: PageFloor): Uint8Array {
  const header: z.input<typeof GoneHeader> = { project, gone: true, serial };
  return encodeFramed(header, new Uint8Array());
}

/** Undefined for what is not whole, or longer than it says. */
async function bodyOf(compressed: Uint8Array, size: number): Promise<Uint8Array | undefined> {
  if (size > PAGE_BYTES) return undefined;
  // One byte more than it should be is as wrong as any.
  const bytes = await inflate(compressed, { maxOutputLength: size + 1 }).catch(() => undefined);
  return bytes?.byteLength === size ? bytes : undefined;
}
