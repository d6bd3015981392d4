import { Refusal } from '../../bytes/refusal.ts';
import type { Pins } from '../../ports/index-state.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import { normalizeName, projectCandidates } from '../../pypi/names.ts';
import type { Explanation } from '../tuf/explain.ts';
import type { HeldPage } from '../tuf/proof.ts';

interface IndexExplainOptions {
  readonly pages: { held(project: string): Promise<HeldPage> };
  readonly pins: Pins;
  readonly reuploads: boolean;
}

/** What an unsigned index's word is worth: nobody signed, so the chain is empty and the pin is everything. */
export function createIndexExplain({
  pages,
  pins,
  reuploads,
}: IndexExplainOptions): (name: string) => Promise<Explanation> {
  const facts = async (
    name: string,
    project: string,
    held: HeldPage,
    file: OwnFile | undefined,
  ): Promise<Explanation> => ({
    evidence: 'index',
    kind: file === undefined ? 'project' : 'file',
    name,
    project,
    target: '',
    chain: [],
    digests: file?.entry.digests ?? new Map(),
    pinned: file === undefined ? undefined : (await pins.of(project)).get(file.entry.filename),
    forgeableOnline: [],
    reuploads,
    files: held.listing.files.size,
  });

  return async (name) => {
    if (name.includes('.'))
      for (const project of projectCandidates(name)) {
        const held = await pages.held(project).catch(() => undefined);
        const withheld = held?.withheld.get(name);
        if (withheld !== undefined) throw withheld;
        const file = held?.listing.files.get(name);
        if (held !== undefined && file !== undefined) return facts(name, project, held, file);
      }
    const project = normalizeName(name);
    if (project === undefined)
      throw new Refusal('unlisted', `"${name}" is neither a project's name nor a file that a page lists.`, {
        subject: 'request',
      });
    return facts(name, project, await pages.held(project), undefined);
  };
}
