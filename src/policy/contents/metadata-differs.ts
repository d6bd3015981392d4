import type { Rule } from '../rule.ts';
import { type ContentsSettings, contentsRules } from './of-file.ts';

/** Files whose core metadata is not what the index says of them: what a scanner reads there is not what an installer takes. */
export function metadataDiffersRules(settings: ContentsSettings): readonly Rule[] {
  return contentsRules(settings, 'metadata-differs', (_, kept) => {
    if (kept?.differs === undefined)
      return { is: 'unjudged', why: 'is not judged yet: its core metadata was not compared with what the index says' };
    const [first, ...others] = kept.differs;
    if (first === undefined) return undefined;
    const more = others.length === 0 ? '' : `; and ${others.join('; ')}`;
    return { is: 'held', why: `is not what the index says: its core metadata says ${first}${more}` };
  });
}
