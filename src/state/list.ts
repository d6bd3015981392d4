import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { z } from 'zod';
import { sha256Hex } from '../bytes/digest.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { CommonList } from '../ports/common-pages.ts';
import type { IndexState, Known } from '../ports/index-state.ts';
import type { ListHead, ListStore, StoredList } from '../ports/list-store.ts';
import { decodeFramed, encodeFramed } from './framed.ts';
import type { ItemKind } from './item.ts';
import { CONFIRMED_EVERY_S, LIST_BYTES } from './limits.ts';

// The list of all projects as it is written down: a line of JSON, then upstream's bytes, compressed. They are unpacked only
// where the list is drawn.

const Head = z.strictObject({
  url: z.string(),
  etag: z.string().optional(),
  confirmedAt: z.int(),
  sha256: z.string(),
  size: z.int().nonnegative(),
});

/** It can be had again: what cannot be read counts as absent. */
export const LIST: ItemKind<StoredList> = {
  what: 'the list of all projects',
  encode: ({ head: { url, etag, confirmedAt, sha256, size }, packed }) =>
    encodeFramed({ url, etag, confirmedAt, sha256, size }, packed),
  decode(bytes) {
    const framed = decodeFramed(bytes);
    const head = Head.safeParse(framed?.header).data;
    return framed && head && { head: { ...head, etag: head.etag }, packed: framed.body };
  },
  replaceable: true,
};

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);
/** A list shrinks to a quarter at this level, and hardly further at any other. */
const LEVEL = 1;

/** `common`: where other replicas have it from, and this one what it holds no newer one of. */
export function createListStore({ list }: Pick<IndexState, 'list'>, common?: CommonList): ListStore {
  let written: ListHead | undefined;
  let version = 0;
  const remember = (known: Known<StoredList> | undefined) => {
    written = known?.value.head;
    version = known?.version ?? 0;
    return written;
  };
  return {
    async load() {
      const own = remember(await list.read());
      const theirs = await common?.head();
      if (common === undefined || theirs === undefined) return own;
      if (theirs.size > LIST_BYTES || theirs.confirmedAt <= (own?.confirmedAt ?? Number.NEGATIVE_INFINITY)) return own;
      // Of the same list they say when upstream stood by it last.
      const packed = own?.sha256 === theirs.sha256 ? undefined : await common.packed(theirs);
      if (packed === undefined && own?.sha256 !== theirs.sha256) return own;
      const known = await list.change((was) => {
        if ((was?.version ?? 0) !== version) return undefined;
        const bytes = packed ?? was?.value.packed;
        return bytes && { head: theirs, packed: bytes };
      });
      return known === undefined ? own : remember(known);
    },
    isCurrent: async () => (await list.version()) === version,
    async bytes({ sha256, size }) {
      const stored = (await list.read())?.value;
      if (stored?.head.sha256 !== sha256 || size > LIST_BYTES) return undefined;
      const bytes = await inflate(stored.packed, { maxOutputLength: Math.max(size, 1) }).catch(() => undefined);
      return bytes !== undefined && sha256Hex(bytes) === sha256 ? bytes : undefined;
    },
    async save(head, bytes) {
      if (bytes.byteLength > LIST_BYTES)
        throw new Refusal('limit', `The list of all projects is larger than ${LIST_BYTES} bytes: it is not kept.`, {
          subject: 'state',
        });
      const packed = await deflate(bytes, { level: LEVEL });
      remember(await list.change(() => ({ head, packed })));
      await common?.stored({ head, packed }, true);
    },
    async confirm(head) {
      if (written?.sha256 === head.sha256 && Math.abs(head.confirmedAt - written.confirmedAt) < CONFIRMED_EVERY_S)
        return;
      // Of another list that was stored meanwhile, this says nothing.
      const confirmed = (was: Known<StoredList> | undefined) =>
        was?.value.head.sha256 === head.sha256 ? { ...was.value, head } : undefined;
      const known = await list.change(confirmed);
      if (known === undefined) return;
      remember(known);
      await common?.stored(known.value, false);
    },
  };
}
