import { RIGS } from '../rigs/rig.ts';
import { describeEvidence } from './evidence.ts';

for (const { evidence, start } of RIGS) describeEvidence(evidence, start);
