import type { Entry } from './model.ts';
import { BLOCK, memberBytes, TAR_END, tarHeader } from './tar.ts';

/** A member of the body: where its content lies from the beginning of the body on, and its bytes there. */
export interface Member {
  readonly position: number;
  readonly stored: number;
  /** What lies before the content, to the byte. */
  readonly header: Uint8Array;
}

/** Where members lie is not written down: it follows from the order of the manifest and the sizes in it. */
export class MemberPlaces {
  #next = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Bytes of the body, its end included, if no more members follow. */
  get body(): number {
    return this.#next + TAR_END.byteLength;
  }

  /** `entry` is `here`. */
  add(entry: Entry): Member {
    const stored = entry.stored ?? entry.size;
    const position = this.#next + BLOCK;
    this.#next += memberBytes(stored);
    this.#count++;
    const name = memberName(entry);
    return {
      position,
      stored,
      get header() {
        return tarHeader(name, stored);
      },
    };
  }
}

/** Its name in the archive comes from its digest alone. */
export function memberName({ sha256, coding }: Pick<Entry, 'sha256' | 'coding'>): string {
  return `blobs/sha256/${sha256.slice(0, 2)}/${sha256}${coding === undefined ? '' : '.zst'}`;
}
