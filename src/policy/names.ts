import { matchesFile, matchesName, type Pattern } from './pattern.ts';
import { patternOf } from './patterns.ts';
import type { Rule, Word } from './rule.ts';
import type { NamesSettings } from './settings.ts';

/** Projects by name, and versions of them: what is denied is not served, and where only some are allowed, neither is any other. */
export function namesRule({ allow, deny, action }: NamesSettings): Rule {
  const allowed = allow?.map(patternOf);
  const denied = deny.map(patternOf);
  /** Of the whole project: by patterns without a range. */
  const whole = (project: string): Word | undefined => {
    const by = denied.find((pattern) => pattern.versions === undefined && matchesName(pattern, project));
    if (by !== undefined) return isDenied(by);
    return allowed === undefined || allowed.some((pattern) => matchesName(pattern, project)) ? undefined : notAllowed;
  };
  const ofFile = (project: string, filename: string): Word | undefined => {
    const by = denied.find((pattern) => matchesFile(pattern, project, filename));
    if (by !== undefined) return isDenied(by);
    return allowed === undefined || allowed.some((pattern) => matchesFile(pattern, project, filename))
      ? undefined
      : notAllowed;
  };
  const isDenied = ({ text }: Pattern): Word => ({
    action,
    sentence: (name) => `${name} is not served: the policy of this mirror denies "${text}".`,
  });
  const notAllowed: Word = {
    action,
    sentence: (name) =>
      `${name} is not served: the policy of this mirror allows only what it names, and this is not in it.`,
  };
  return {
    name: 'names',
    version: JSON.stringify([allow, deny, action]),
    project: (project) => (action === 'deny' ? whole(project) : undefined),
    page({ page: { name, files } }) {
      const others = whole(name);
      if (others !== undefined) return { others };
      const words = [...files.keys()].map((filename) => [filename, ofFile(name, filename)] as const);
      return { files: new Map(words.flatMap(([filename, word]) => (word === undefined ? [] : [[filename, word]]))) };
    },
    unlisted: ofFile,
    file: ({ project, file }) => ofFile(project, file.entry.filename),
  };
}
