import { withHeldPages } from '../../app/policy/held-pages.ts';
import { counted } from '../../bytes/counted.ts';
import { shownField } from '../../bytes/printable.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import { loadPolicy } from '../../config/policy/read-policy.ts';
import { changesOf, type FileChange, judgeBy } from '../../policy/compare.ts';
import { print, printJson } from '../output.ts';

export interface PolicyOptions {
  readonly index: string | undefined;
  readonly json: boolean;
}

/** `verbatim policy test FILE`: what the policy would change of what is held, in place of the one that is configured. */
export async function testPolicy(config: Config, file: string, { index, json }: PolicyOptions): Promise<void> {
  const name = index ?? onlyIndex(config);
  const [before, after] = [judgeBy(config.indexes[name]?.policy), judgeBy(loadPolicy(file))];
  const changes: FileChange[] = [];
  let pages = 0;
  await withHeldPages(config, name, async (held) => {
    for await (const page of held.all()) {
      pages++;
      changes.push(...changesOf(page, before, after, held.now));
    }
  });
  if (json) return printJson({ index: name, pages, changes });
  for (const { project, file: filename, before: was, after: is, rule, why } of changes)
    print(`${WORDS[was]} -> ${WORDS[is]}  ${project}  ${shownField(filename)}  [${rule}] ${why}`);
  print(`${counted(changes.length, 'file')} would change, of ${counted(pages, 'page')} held of ${name}.`);
}

const WORDS = { serve: 'served', hide: 'hidden', deny: 'denied' } as const;

/** Throws Refusal where not exactly one is configured. */
export function onlyIndex({ indexes }: { readonly indexes: Readonly<Record<string, unknown>> }): string {
  const [name, ...others] = Object.keys(indexes);
  if (name !== undefined && others.length === 0) return name;
  const names = Object.keys(indexes).map((each) => `--index ${each}`);
  throw new Refusal('format', `Say which index is meant: ${names.join(' or ')}.`, { subject: 'request' });
}
