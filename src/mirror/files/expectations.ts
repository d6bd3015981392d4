import type { Caller } from '../../async/caller.ts';
import type { Upstream } from '../../ports/upstream.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import type { Evidence } from '../evidence.ts';
import { LIMITS } from '../limits.ts';
import type { BelievedPage } from '../projects/believed-page.ts';
import { METADATA } from './addresses.ts';
import type { WantedFile } from './fetch.ts';
import { foreignHost } from './foreign-host.ts';

interface ExpectationsOptions<P> {
  readonly evidence: Pick<Evidence<P>, 'voucher' | 'kind'>;
  readonly upstream: Pick<Upstream, 'mayFetch'>;
}

/** What a believed page says of its files: what their bytes must be, and where upstream has them. */
export class Expectations<P> {
  readonly #evidence: Pick<Evidence<P>, 'voucher' | 'kind'>;
  readonly #upstream: Pick<Upstream, 'mayFetch'>;

  constructor({ evidence, upstream }: ExpectationsOptions<P>) {
    this.#evidence = evidence;
    this.#upstream = upstream;
  }

  /** Whether it lies where this mirror may go, as far as its page tells: signatures may say that it lies elsewhere. */
  mayFetch({ upstream }: OwnFile): boolean {
    return this.#evidence.kind === 'tuf' || this.#upstream.mayFetch(upstream);
  }

  async file(page: BelievedPage<P>, file: OwnFile, caller: Caller): Promise<WantedFile> {
    const { filename } = file.entry;
    const vouched = await this.#evidence.voucher(page.believed, file, filename, caller);
    const expected = page.expect(file, vouched?.stated);
    const unproved = expected.digests.size === 0;
    const urls = [...new Set([...(vouched?.urls ?? []), ...this.#allowed(file.upstream, unproved)])];
    if (urls.length === 0) throw foreignHost({ name: filename, subject: 'file' }, file.upstream);
    return { name: filename, subject: 'file', expected, limit: LIMITS.file, urls, listedAt: file.upstream };
  }

  /** PEP 658: `FILE.metadata`, by the digest the page announces. */
  async coreMetadata(page: BelievedPage<P>, file: OwnFile, caller: Caller): Promise<WantedFile> {
    const name = file.entry.filename + METADATA;
    const vouched = await this.#evidence.voucher(page.believed, file, name, caller);
    const expected = page.expectCoreMetadata(file, vouched?.stated);
    const listedAt = file.upstream + METADATA;
    const urls = [...(vouched?.urls ?? []), ...this.#allowed(listedAt)];
    return { name, subject: 'core-metadata', expected, limit: LIMITS.coreMetadata, urls, listedAt };
  }

  #allowed(url: string, unproved = false): readonly string[] {
    return this.#upstream.mayFetch(url, unproved) ? [url] : [];
  }
}
