import type { Expected } from '../../bytes/expected.ts';
import { Refusal, type Subject } from '../../bytes/refusal.ts';
import type { IndexLayout } from '../../presets/target-layout.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import type { ProvedPage } from './proof.ts';
import type { Roles } from './roles.ts';

/** What speaks for a file besides its project page, and where upstream stores it by that word. */
export interface Vouched {
  readonly expected: Expected;
  readonly urls: readonly string[];
}

/** Undefined where nothing but the page speaks for the file. `filename` may be that of its core metadata. */
export type VouchedFor<P> = (held: P, filename: string, file: OwnFile) => Promise<Vouched | undefined>;

/** A file's own target entry, where the layout can name it and the signed metadata has one (DESIGN §2). */
export function signedEntries(layout: IndexLayout, roles: Roles): VouchedFor<ProvedPage> {
  return async ({ listing, proof }, filename, { content }) => {
    const path = layout.fileTarget({ project: listing.name, filename, content });
    if (path === undefined) return undefined;
    const { target, generation } = await roles.find(path, proof.generation);
    if (target === undefined) return undefined;
    return { expected: target, urls: layout.urls(path, target.digests, generation.root.signed.consistentSnapshot) };
  };
}

/** Page and voucher together: every digest of either must hold, and they may not contradict each other. */
export function bothListed(
  filename: string,
  subject: Subject,
  listed: Expected,
  vouched: Expected | undefined,
): Expected {
  const both = vouched === undefined ? listed : listed.and(vouched);
  if (both === undefined)
    throw new Refusal('mix-and-match', `The project page and the file's own signed entry disagree about ${filename}.`, {
      subject,
    });
  return both;
}
