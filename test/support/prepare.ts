import { pipOf2023, pipOfToday, pythonTuf, uv } from './environments.ts';

// Makes every environment of the interop tests; fails where one cannot be made.

const made = await Promise.all([pipOfToday(), pipOf2023(), uv(), pythonTuf()]);
for (const bin of made) console.log(bin ?? 'missing');
if (made.includes(undefined)) process.exitCode = 1;
