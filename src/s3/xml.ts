// The two documents of S3 that are read, and nothing else of XML: elements without attributes that matter, text with the five entities.

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** One answer to ListObjectsV2. */
export interface ListedPage {
  readonly objects: readonly ListedObject[];
  /** Where the next answer begins; undefined for the last. */
  readonly next: string | undefined;
}

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly changedMs: number;
}

/** Undefined for what is no such answer. */
export function readListed(xml: string): ListedPage | undefined {
  if (!/<ListBucketResult[\s>]/.test(xml) || !xml.trimEnd().endsWith('</ListBucketResult>')) return undefined;
  const objects: ListedObject[] = [];
  for (const [, content = ''] of xml.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)) {
    const key = textOf(content, 'Key');
    const size = Number(textOf(content, 'Size') ?? Number.NaN);
    const changedMs = Date.parse(textOf(content, 'LastModified') ?? '');
    if (key === undefined || !Number.isSafeInteger(size) || size < 0 || Number.isNaN(changedMs)) return undefined;
    objects.push({ key, size, changedMs });
  }
  const around = xml.replace(/<Contents>[\s\S]*?<\/Contents>/g, '');
  const isTruncated = textOf(around, 'IsTruncated') === 'true';
  const next = isTruncated ? textOf(around, 'NextContinuationToken') : undefined;
  return isTruncated && next === undefined ? undefined : { objects, next };
}

/** `SlowDown` of an error's document; undefined where it says none. */
export function readErrorCode(xml: string): string | undefined {
  const code = textOf(xml, 'Code');
  return code !== undefined && /^[A-Za-z0-9.]{1,64}$/.test(code) ? code : undefined;
}

/** The text of the first element of that name. */
export function textOf(xml: string, element: string): string | undefined {
  const start = xml.indexOf(`<${element}>`);
  if (start === -1) return undefined;
  const from = start + element.length + 2;
  const end = xml.indexOf(`</${element}>`, from);
  return end === -1 ? undefined : decode(xml.slice(from, end));
}

function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|([a-z]{2,4}));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
