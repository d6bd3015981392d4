import { pipOf2023, pipOfToday, pythonTuf, uv } from './environments.ts';
import { wheels } from './wheels.ts';

// Makes every environment of the interop tests, and gets the wheels they install; fails where one cannot be had.

const made = await Promise.all([pipOfToday(), pipOf2023(), uv(), pythonTuf()]);
for (const bin of made) console.log(bin ?? 'missing');
const { real } = await wheels();
if (made.includes(undefined) || real === undefined) process.exitCode = 1;
