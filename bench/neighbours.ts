import { largePage } from '../test/support/large.ts';
import { load } from './support/load.ts';
import { startNeighbours } from './support/neighbours.ts';
import { alternate, compare, type Measure, perSecond } from './support/table.ts';
import { withUnsigned } from './support/unsigned.ts';

/** So many that the page is 36 KB of JSON. */
const FILES = 51;
const CONNECTIONS = 8;
const SECONDS = 2;
const ROUNDS = 3;

/** A warm page of an index that signs nothing, beside what a user would pick instead. */
export const neighbours: Measure = (log) =>
  withUnsigned(
    new Map([['simple/sampleproject/', largePage('sampleproject', FILES)]]),
    async ({ directory, upstream, mirror }) => {
      const others = await startNeighbours(directory, `${upstream.url}simple/`, log);
      try {
        log('neighbours: a warm page');
        const headers = { Accept: 'application/vnd.pypi.simple.v1+json' };
        const rate = (simple: string | undefined) =>
          simple === undefined
            ? undefined
            : async () =>
                (await load({ url: `${simple}sampleproject/`, headers, connections: CONNECTIONS, seconds: SECONDS }))
                  .perSecond;
        const figure = await alternate(ROUNDS, {
          ours: rate(`${mirror.url}simple/`),
          devpi: rate(others.devpi),
          proxpi: rate(others.proxpi),
        });
        return [
          compare({
            what: `warm project page of ${FILES} files, index evidence`,
            ours: figure('ours'),
            beside: ['proxpi', others.proxpi === undefined ? undefined : figure('proxpi')],
            also: [['devpi-server', others.devpi === undefined ? undefined : figure('devpi')]],
            show: perSecond,
            atLeast: 3,
          }),
        ];
      } finally {
        await others.stop();
      }
    },
  );
