import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { PageRecord } from '../../ports/index-state.ts';

// One project's page as it lies on disk: a line of JSON with its digest and seal, then upstream's exact bytes.

const Text = z.union([z.string(), z.undefined()]).optional();
const Header = z.strictObject({
  number: z.int().positive(),
  project: z.string(),
  /** The project has disappeared: kept so that an older page cannot come back in its place. */
  gone: z.literal(true).optional(),
  url: z.string().optional(),
  contentType: z.string(),
  etag: z.string().optional(),
  serial: z.int().nonnegative().optional(),
  seenSerial: z.int().nonnegative().optional(),
  fetchedAt: z.int(),
  confirmedAt: z.int(),
  maxAge: z.number().optional(),
  twice: z.boolean(),
  fetch: z.string(),
  accepted: z
    .array(z.strictObject({ kind: z.string(), file: Text, after: Text }))
    .readonly()
    .optional(),
});
const FirstLine = z.strictObject({ sha256: z.string(), seal: z.string().optional(), header: Header });

export type PageHeader = Readonly<z.infer<typeof Header>>;

export interface PageFile {
  readonly header: PageHeader;
  readonly body: Uint8Array;
  readonly seal: string | undefined;
  /** What the seal is made over. */
  readonly parts: readonly Uint8Array[];
}

const LINE_END = 0x0a;

function partsOf(header: PageHeader, body: Uint8Array): readonly [Uint8Array, Uint8Array] {
  return [Buffer.from(`${JSON.stringify(header)}\n`), body];
}

function digestOf(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** A header as anybody may put it together; what it does not say may be absent or undefined. */
type Said = { readonly [K in keyof Omit<PageHeader, 'number'>]: PageHeader[K] | undefined } & Pick<
  PageHeader,
  'project' | 'contentType' | 'fetchedAt' | 'confirmedAt' | 'twice' | 'fetch'
>;

/** The members in one order, so that equal records are equal texts. */
export function headerOf(record: Said, number: number): PageHeader {
  const {
    project,
    gone,
    url,
    contentType,
    etag,
    serial,
    seenSerial,
    fetchedAt,
    confirmedAt,
    maxAge,
    twice,
    fetch,
    accepted,
  } = record;
  return {
    number,
    project,
    ...(gone && { gone }),
    ...(url !== undefined && { url }),
    contentType,
    ...(etag !== undefined && { etag }),
    ...(serial !== undefined && { serial }),
    ...(seenSerial !== undefined && { seenSerial }),
    fetchedAt,
    confirmedAt,
    ...(maxAge !== undefined && { maxAge }),
    twice,
    fetch,
    ...(accepted !== undefined &&
      accepted.length > 0 && { accepted: accepted.map(({ kind, file, after }) => ({ kind, file, after })) }),
  };
}

export function recordOf({ number: _, gone: __, ...header }: PageHeader, bytes: Uint8Array): PageRecord {
  const { etag, serial, seenSerial, ...rest } = header;
  return { ...rest, etag, serial, seenSerial, bytes };
}

export function encodePageFile(
  header: PageHeader,
  body: Uint8Array,
  seal: (parts: readonly Uint8Array[]) => string | undefined,
): Buffer {
  const parts = partsOf(header, body);
  return Buffer.concat([
    Buffer.from(`${JSON.stringify({ sha256: digestOf(parts), seal: seal(parts), header })}\n`),
    body,
  ]);
}

/** Undefined for anything that is not whole. Its seal is for the caller to check. */
export function decodePageFile(file: Buffer): PageFile | undefined {
  const end = file.indexOf(LINE_END);
  if (end === -1) return undefined;
  let line: unknown;
  try {
    line = JSON.parse(file.toString('utf8', 0, end));
  } catch {
    return undefined;
  }
  const parsed = FirstLine.safeParse(line);
  if (!parsed.success) return undefined;
  const { sha256, seal } = parsed.data;
  const header = headerOf(parsed.data.header, parsed.data.header.number);
  const body = file.subarray(end + 1);
  const parts = partsOf(header, body);
  // A header is only believed in the very letters it would be written in again.
  return digestOf(parts) === sha256 ? { header, body, seal, parts } : undefined;
}
