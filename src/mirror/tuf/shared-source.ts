import type { Instant } from '../../bytes/instant.ts';
import type { UpstreamMetadata } from '../../ports/upstream.ts';
import type { MetadataSource } from '../../tuf/refresh.ts';
import type { CommonMetadata } from '../common-documents.ts';

type Asked = Parameters<MetadataSource['read']>[0];

/** What another replica believes. */
interface HeardOf {
  readonly timestamp: Uint8Array;
  /** It is held to the root that is trusted here, and to those that other replicas had: upstream is asked for none. */
  readonly underRoot: boolean;
}

/**
 * Upstream's metadata, and of what has a version first what another replica had. What is newest is asked of upstream alone. A walk that
 * fails after it was given some is to be walked again without.
 */
export class SharedSource implements UpstreamMetadata {
  readonly #source: UpstreamMetadata;
  readonly #shared: CommonMetadata;
  readonly #heard: HeardOf | undefined;
  /** Upstream's, not accepted yet. */
  readonly #read: { readonly role: string; readonly version: number; readonly bytes: Uint8Array }[] = [];
  #given = 0;

  constructor(source: UpstreamMetadata, shared: CommonMetadata, heard?: HeardOf) {
    this.#source = source;
    this.#shared = shared;
    this.#heard = heard;
  }

  async read(asked: Asked): Promise<Uint8Array | undefined> {
    const { role, version, limit } = asked;
    const heard = this.#heard;
    if (role === 'timestamp' && heard !== undefined) return heard.timestamp;
    const found = version === undefined ? undefined : await this.#shared.metadata(role, version, limit);
    if (found !== undefined) this.#given++;
    if (found !== undefined || (role === 'root' && heard?.underRoot === true)) return found;
    const bytes = await this.#source.read(asked);
    if (bytes !== undefined && version !== undefined) this.#read.push({ role, version, bytes });
    return bytes;
  }

  timeThere(): Instant | undefined {
    return this.#heard === undefined ? this.#source.timeThere?.() : undefined;
  }

  /** It gave what upstream was not asked for. */
  get hasGiven(): boolean {
    return this.#given > 0;
  }

  /** All that was read was accepted: others may have it. */
  accepted(): void {
    for (const { role, version, bytes } of this.#read.splice(0)) this.#shared.keepMetadata(role, version, bytes);
    this.#judged(true);
  }

  refused(): void {
    this.#judged(false);
  }

  #judged(held: boolean): void {
    for (; this.#given > 0; this.#given--) this.#shared.judged(held);
  }
}
