import {
  boxReaders,
  indexServers,
  packaging,
  pdm,
  pipAudit,
  pipOf2023,
  pipOfToday,
  pipTools,
  poetry,
  pypiAttestations,
  pythonTuf,
  uv,
} from './environments.ts';
import { node22 } from './node22.ts';
import { tufSources } from './tuf-sources.ts';
import { versitygw } from './versitygw.ts';
import { wheels } from './wheels.ts';

// Makes every environment of the interop tests, and gets the sources and wheels they use; fails where one cannot be had.
// One after the other, so that each has the machine and its time limit to itself.

for (const make of [
  pipOfToday,
  pipOf2023,
  uv,
  pythonTuf,
  pipTools,
  poetry,
  pdm,
  indexServers,
  packaging,
  pypiAttestations,
  pipAudit,
  boxReaders,
  tufSources,
  node22,
  versitygw,
]) {
  const bin = await make();
  console.log(bin ?? 'missing');
  if (bin === undefined) process.exitCode = 1;
}
const { real } = await wheels();
if (real === undefined) process.exitCode = 1;
