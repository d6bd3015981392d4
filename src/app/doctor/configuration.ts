import { counted } from '../../bytes/counted.ts';
import type { Config } from '../../config/config.ts';
import { ConfigRefusal } from '../../config/faults.ts';
import { type LoadOptions, loadConfig } from '../../config/load.ts';
import { CONDITIONS } from '../../ports/conditions.ts';
import { BUILT_AT } from '../../version.ts';
import { createClock } from '../clock.ts';
import { conditionsHere } from '../conditions/mirror-conditions.ts';
import { readRoot } from '../pinned-root.ts';
import { sealingOf } from '../secrets.ts';
import { accessListOf, certificateOf } from '../server-files.ts';
import { type Finding, findingsIn, wordsOf } from './finding.ts';

const { good, note, warning, error } = findingsIn('configuration');

/** The configuration, where it can be used, and what is to be said of it. */
export async function examineConfiguration(
  options: LoadOptions,
): Promise<{ readonly config: Config | undefined; readonly findings: readonly Finding[] }> {
  let config: Config;
  try {
    config = loadConfig(options);
  } catch (refusal) {
    const next =
      'Mend it in the file, the variable or the flag that is named; config/verbatim.yaml shows every setting.';
    const faults =
      refusal instanceof ConfigRefusal
        ? refusal.faults.map(({ where, what }) => `${where} ${what}`)
        : [wordsOf(refusal)];
    return { config: undefined, findings: faults.map((fault) => error('setting', fault, next)) };
  }
  return { config, findings: [...given(config), ...(await standing(config))] };
}

/** Files that the configuration names, and that a start would refuse. */
function given(config: Config): readonly Finding[] {
  const count = Object.keys(config.indexes).length;
  const tried: readonly (readonly [what: string, next: string, read: () => unknown])[] = [
    ['certificate', 'See server.tls: two PEM files that this user may read.', () => certificateOf(config.server)],
    ['readers', 'See server.auth; "verbatim hash-password" makes the lines.', () => accessListOf(config.server)],
    ['seal', 'See seal_key_file, seal_key_env and seal_epoch_file.', () => sealingOf(config)],
    ...Object.values(config.indexes).flatMap((index) =>
      index.evidence === 'tuf'
        ? [
            [
              'root',
              `Get root.json anew from the operators of ${index.name}, by a way that does not pass through it.`,
              () => readRoot(index.root),
            ] as const,
          ]
        : [],
    ),
  ];
  const wrong = tried.flatMap(([what, next, read]) => {
    try {
      read();
      return [];
    } catch (cause) {
      return [error(what, wordsOf(cause), next)];
    }
  });
  return [
    good(
      'setting',
      `It can be used: ${counted(count, 'index', 'indexes')} (${Object.keys(config.indexes).join(', ')}).`,
    ),
    ...wrong,
  ];
}

async function standing(config: Config): Promise<readonly Finding[]> {
  const clock = createClock(undefined);
  const conditions = await conditionsHere(config, clock);
  const early =
    clock.now() < BUILT_AT
      ? [
          error(
            'clock',
            "This machine's clock is before the day this program was made.",
            'Set it: what expires is judged by it.',
          ),
        ]
      : [];
  return [
    ...early,
    ...conditions.map(({ what, index, message }) => {
      const words = index === '' ? message : `${index}: ${message}`;
      return CONDITIONS[what] === 'warn'
        ? warning(what, words, 'The setting is named in brackets.')
        : note(what, words);
    }),
  ];
}
