import { RIGS } from '../rigs/rig.ts';
import { describeEvidence } from './evidence.ts';

/** Rules that an evidence is known to break; each has to go from here with the change that mends it. */
const BROKEN = {
  tuf: [
    'a silent upstream is waited for once, and not until it is given up',
    'a page does not wait for files',
    'downloads that everybody has left give way to others',
    'the first answer with a file counts as one file',
    'the first answer with core metadata counts as one',
    'each answer with the project list counts as one list',
    'what nobody was sent is not counted as served',
    'a line that is left out counts once, however often its page is drawn',
    'that is quarantined offers no file, and refuses each by policy',
  ],
  index: [
    'explain does not take an outage for an absence',
    'a silent upstream is waited for once, and not until it is given up',
    'downloads that everybody has left give way to others',
    'each answer with the project list counts as one list',
    'a line that is left out counts once, however often its page is drawn',
  ],
} as const;

for (const { evidence, start } of RIGS) describeEvidence(evidence, start, new Set<string>(BROKEN[evidence]));
