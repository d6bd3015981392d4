import { Refusal } from '../../bytes/refusal.ts';
import type { Upstream } from '../../ports/upstream.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import type { Evidence } from '../evidence.ts';
import { LIMITS } from '../limits.ts';
import type { BelievedPage } from '../projects/believed-page.ts';
import { METADATA } from './addresses.ts';
import type { Wanted } from './fetch.ts';

interface ExpectationsOptions<P> {
  readonly evidence: Pick<Evidence<P>, 'voucher'>;
  readonly upstream: Pick<Upstream, 'mayFetch'>;
}

/** What a believed page says of its files: what their bytes must be, and where upstream has them. */
export class Expectations<P> {
  readonly #evidence: Pick<Evidence<P>, 'voucher'>;
  readonly #upstream: Pick<Upstream, 'mayFetch'>;

  constructor({ evidence, upstream }: ExpectationsOptions<P>) {
    this.#evidence = evidence;
    this.#upstream = upstream;
  }

  async file(page: BelievedPage<P>, file: OwnFile): Promise<Wanted> {
    const { filename } = file.entry;
    const vouched = await this.#evidence.voucher(page.believed, file, filename);
    const expected = page.expect(file, vouched?.stated);
    const urls = [...new Set([...(vouched?.urls ?? []), ...this.#allowed(file.upstream)])];
    if (urls.length === 0) throw foreignHost(file);
    return { name: filename, subject: 'file', expected, limit: LIMITS.file, urls };
  }

  /** PEP 658: `FILE.metadata`, by the digest the page announces. */
  async coreMetadata(page: BelievedPage<P>, file: OwnFile): Promise<Wanted> {
    const name = file.entry.filename + METADATA;
    const vouched = await this.#evidence.voucher(page.believed, file, name);
    const expected = page.expectCoreMetadata(file, vouched?.stated);
    const urls = [...(vouched?.urls ?? []), ...this.#allowed(file.upstream + METADATA)];
    return { name, subject: 'core-metadata', expected, limit: LIMITS.coreMetadata, urls };
  }

  #allowed(url: string): readonly string[] {
    return this.#upstream.mayFetch(url) ? [url] : [];
  }
}

/** A page cannot send this mirror wherever it likes: to the machine's own network, say. */
function foreignHost({ entry, upstream }: OwnFile): Refusal {
  const { host } = new URL(upstream);
  return new Refusal(
    'foreign',
    `${entry.filename} lies on ${host}, where this mirror may not go. If the index really keeps files there, add --file-host ${host}.`,
    { subject: 'file' },
  );
}
