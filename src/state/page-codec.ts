import { z } from 'zod';
import { sha256Hex } from '../bytes/digest.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { PageContent, PageFloor, PageState } from '../ports/index-state.ts';
import { compress, decompress, deflate, inflate, isCompressed } from './compressed.ts';
import { decodeFramed, encodeFramed } from './framed.ts';
import type { ItemKind } from './item.ts';
import { LEFT_BYTES, PAGE_BYTES } from './limits.ts';

// One project's page as it is written down: a line of JSON, then upstream's exact bytes, compressed. Both in one value, so
// that neither is ever newer than the other. What is left of one that was let go is compressed whole, line and all.

const Text = z.union([z.string(), z.undefined()]).optional();
const Serial = z.int().nonnegative().optional();
const Kept = z.strictObject({
  project: z.string(),
  url: z.string().optional(),
  serial: Serial,
  seenSerial: Serial,
  fetchedAt: z.int(),
  confirmedAt: z.int(),
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
const PageHeader = Kept.extend({
  contentType: z.string(),
  etag: z.string().optional(),
  maxAge: z.number().optional(),
});
/** Of upstream's body are its digest and its length; what follows is what the next page is held to. */
const LeftHeader = Kept.extend({ left: z.literal(true) });
const GoneHeader = z.strictObject({
  project: z.string(),
  gone: z.literal(true),
  serial: Serial,
  released: z.literal(true).optional(),
});
const Header = z.union([PageHeader, LeftHeader, GoneHeader]);

type LetGo = NonNullable<PageContent['letGo']>;

/** `mostBytes` of a page as upstream sent it. */
export function pageKind(project: string, mostBytes: number = PAGE_BYTES): ItemKind<PageState> {
  return {
    what: `the last page of ${project} that was believed`,
    encode(state) {
      if (state.page === undefined) return encodeGone(project, state.gone);
      return state.page.letGo === undefined
        ? encodePage(state.page, mostBytes)
        : encodeLeft(state.page, state.page.letGo);
    },
    async decode(value) {
      const whole = isCompressed(value) ? await decompress(value, LEFT_BYTES) : value;
      const framed = whole && decodeFramed(whole);
      const header = Header.safeParse(framed?.header).data;
      if (framed === undefined || header?.project !== project) return undefined;
      if ('gone' in header) return { gone: { serial: header.serial, released: header.released } };
      if ('left' in header) return { page: leftOf(header, framed.body) };
      const { sha256, size, etag, serial, seenSerial, ...rest } = header;
      const bytes = await bodyOf(framed.body, size);
      if (bytes === undefined || sha256Hex(bytes) !== sha256) return undefined;
      return { page: { ...rest, etag, serial, seenSerial, bytes } };
    },
  };
}

/** Member by member: whoever hands a page over may know more of it than is to be written down. */
function keptOf(page: PageContent, { sha256, size }: LetGo): z.input<typeof Kept> {
  const { project, url, serial, seenSerial, fetchedAt, confirmedAt, twice, fetch } = page;
  const accepted = page.accepted?.map(({ kind, file, after }) => ({ kind, file, after }));
  return {
    project,
    url,
    serial,
    seenSerial,
    fetchedAt,
    confirmedAt,
    twice,
    fetch,
    accepted: accepted?.length === 0 ? undefined : accepted,
    sha256,
    size,
  };
}

async function encodePage(page: PageContent, mostBytes: number): Promise<Uint8Array> {
  const { bytes, project, contentType, etag, maxAge } = page;
  if (bytes.byteLength > mostBytes)
    throw new Refusal(
      'limit',
      `The page of ${project} is larger than ${mostBytes} bytes (cache.project_bytes): it is not kept.`,
      { subject: 'state' },
    );
  const kept = keptOf(page, { sha256: sha256Hex(bytes), size: bytes.byteLength });
  const header: z.input<typeof PageHeader> = { ...kept, contentType, etag, maxAge };
  return encodeFramed(header, await deflate(bytes));
}

function encodeLeft(page: PageContent, letGo: LetGo): Promise<Uint8Array> {
  const header: z.input<typeof LeftHeader> = { ...keptOf(page, letGo), left: true };
  return compress(encodeFramed(header, page.bytes));
}

function leftOf(
  { left: _, sha256, size, serial, seenSerial, ...rest }: z.output<typeof LeftHeader>,
  bytes: Uint8Array,
): PageContent {
  return {
    ...rest,
    serial,
    seenSerial,
    etag: undefined,
    contentType: 'application/json',
    bytes,
    letGo: { sha256, size },
  };
}

function encodeGone(project: string, { serial, released }: PageFloor): Promise<Uint8Array> {
  const header: z.input<typeof GoneHeader> = { project, gone: true, serial, released };
  return compress(encodeFramed(header, new Uint8Array()));
}

/** Undefined for what is not whole, or longer than it says or may be. */
async function bodyOf(compressed: Uint8Array, size: number): Promise<Uint8Array | undefined> {
  if (size > PAGE_BYTES) return undefined;
  return inflate(compressed, size);
}
